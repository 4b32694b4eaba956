# Unpack a remedy program, run it, and tell what it came to by the name of a file: WMI can't read files, but it sees names.
#
# Travels in the command line of powershell.exe -Command, between double quotes: there are none in it. For Windows PowerShell
# 4.0 and 5.1. The constructs are those that the header of actions/programs/guards.ps1 lists, and besides:
#   the casts [System.IO.MemoryStream] of bytes and [System.IO.Compression.CompressionMode], Invoke-Expression,
#   System.IO.Compression.DeflateStream, System.IO.StreamReader.ReadToEnd, [Environment]::NewLine.
# The file is written under another name, flushed, and renamed at the end. Nothing is ever overwritten.

$ErrorActionPreference = 'Stop'
$lines = @()
$verdict = 'no_report'
try {
    $bytes = [System.IO.MemoryStream][Convert]::FromBase64String('@packed@')
    $mode = [System.IO.Compression.CompressionMode]'Decompress'
    $unpacked = New-Object -TypeName 'System.IO.Compression.DeflateStream' -ArgumentList $bytes, $mode
    $reader = New-Object -TypeName 'System.IO.StreamReader' -ArgumentList $unpacked
    $program = $reader.ReadToEnd()
    $lines = @(Invoke-Expression $program)
    foreach ($line in $lines) {
        if ($line -like 'unloop-report *') {
            $verdict = (ConvertFrom-Json ($line.Substring(14))).verdict
        }
    }
} catch {
    $lines = @($lines) + $_.Exception.Message
}
$content = [System.Text.Encoding]::UTF8.GetBytes($lines -join [Environment]::NewLine)
$stream = [System.IO.File]::Open('@base@-part.r', 'CreateNew', 'Write', 'None')
try {
    $stream.Write($content, 0, $content.Length)
    $stream.Flush($true)
} finally {
    $stream.Close()
}
[System.IO.File]::Move('@base@-part.r', '@base@-' + $verdict + '.r')
