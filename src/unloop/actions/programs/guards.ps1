# Listing, guards and checks: the first part of remedy.ps1 and of verify.ps1. Static: $order (JSON) varies, this does not.
#
# For Windows PowerShell 4.0 and 5.1, full language. Constructs used, and no others (the rehearsal runs this text):
#   function f($a, $b), return, break, if/elseif/else, foreach, while, try/catch (also catch [Type])/finally, throw,
#   = += + * /, -eq -ne -lt -le -gt -ge -like -cmatch -and -or -not -join, [pscustomobject]@{}, @{}, @(), indexing [0], casts
#   [string] [bool] [int] [long] [void] [string[]] [System.IO.DirectoryInfo], $_ in catch ($_.Exception.Message,
#   $_.Exception.GetBaseException().HResult, $_.FullyQualifiedErrorId), & $program $arguments 2>$null, $LASTEXITCODE, $env:SystemRoot. No pipeline but a function's output.
# Cmdlets: ConvertFrom-Json, ConvertTo-Json -Compress -Depth, New-Object, Write-Output, Get-CimInstance -ClassName,
#   Get-Service -Name -ErrorAction, Get-WinEvent -FilterHashtable -ErrorAction.
# .NET: DirectoryInfo.GetFiles() (Name FullName Length LastWriteTimeUtc), [System.IO.File]::Open Move Delete Exists SetAttributes,
#   [System.IO.Directory]::CreateDirectory, FileStream.Read Write Flush(bool) Close, SHA256CryptoServiceProvider.ComputeHash,
#   [BitConverter]::ToString, [Convert]::FromBase64String ToBase64String, [System.Text.Encoding]::UTF8.GetBytes,
#   [DateTime]::UtcNow .Ticks .AddSeconds .ToUniversalTime .ToString('o'), new DateTime(ticks, kind),
#   [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey CreateSubKey GetSubKeyNames GetValue GetValueKind SetValue Flush Close,
#   [Environment]::Is64BitOperatingSystem Is64BitProcess,
#   string .Replace .ToLowerInvariant .Substring .Trim .ToCharArray, [string]::CompareOrdinal, .Length, .Count.
# The guards are those of unloop.model.files: times are UTC ticks, 0 for none; sizes -1 for none; hex is lowercase.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'

# A 32-bit process sees SysWOW64 under the name of System32: it would match nothing and say so in good faith.
function Assert-Native() {
    if ([Environment]::Is64BitOperatingSystem -and (-not [Environment]::Is64BitProcess)) {
        throw 'this is a 32-bit PowerShell on 64-bit Windows; it can not see the real System32'
    }
}

# ASCII only: whatever code page carries the line, it arrives whole.
function ConvertTo-Ascii($text) {
    $ascii = $text
    foreach ($character in $text.ToCharArray()) {
        $code = [int]$character
        if (($code -lt 32) -or ($code -gt 126)) {
            $ascii = $ascii.Replace([string]$character, ('\u' + $code.ToString('x4')))
        }
    }
    return $ascii
}

function Write-Answer($name, $json) {
    $line = $json
    if ($json -cmatch '[^\x20-\x7e]') { # without regard to case, the Kelvin sign is a k
        $line = ConvertTo-Ascii $json
    }
    Write-Output ($name + ' ' + $line)
}

# The files of one directory whose names match; wildcards are * and ? alone, without regard to case. A missing directory
# has none; one that can't be read is an error, never an empty one.
function Get-Listing($directory, $name) {
    $wanted = $name.Replace('`', '``').Replace('[', '`[').Replace(']', '`]')
    try {
        $found = ([System.IO.DirectoryInfo]$directory).GetFiles()
    } catch [System.IO.DirectoryNotFoundException] {
        return
    }
    foreach ($file in $found) {
        if ($file.Name -like $wanted) {
            [pscustomobject]@{
                path = $file.FullName
                size = $file.Length
                ticks = $file.LastWriteTimeUtc.Ticks
                modified = $file.LastWriteTimeUtc.ToString('o')
            }
        }
    }
}

function ConvertTo-Hex($bytes, $count) {
    return [BitConverter]::ToString($bytes, 0, $count).Replace('-', '').ToLowerInvariant()
}

function Get-Head($path, $length) {
    $stream = [System.IO.File]::Open($path, 'Open', 'Read', 'ReadWrite, Delete')
    try {
        $buffer = New-Object -TypeName 'byte[]' -ArgumentList $length
        $count = $stream.Read($buffer, 0, $length)
        return (ConvertTo-Hex $buffer $count)
    } finally {
        $stream.Close()
    }
}

# SHA256CryptoServiceProvider also works where the FIPS policy forbids SHA256Managed, which SHA256.Create() would give.
function Get-FileSha256($path) {
    $hasher = New-Object -TypeName 'System.Security.Cryptography.SHA256CryptoServiceProvider'
    $stream = [System.IO.File]::Open($path, 'Open', 'Read', 'ReadWrite, Delete')
    try {
        return (ConvertTo-Hex ($hasher.ComputeHash($stream)) 32)
    } finally {
        $stream.Close()
    }
}

function Get-TextSha256($text) {
    $hasher = New-Object -TypeName 'System.Security.Cryptography.SHA256CryptoServiceProvider'
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($text)
    return (ConvertTo-Hex ($hasher.ComputeHash($bytes)) 32)
}

function New-Evidence($file, $judgement) {
    return [pscustomobject]@{
        path = $file.path
        size = $file.size
        modified = $file.modified
        judgement = $judgement
        header = ''
        sha256 = ''
        moved_to = ''
    }
}

function Test-GoodSibling($guard, $files) {
    if ($guard.good_sibling_from -eq 0) {
        return $false
    }
    foreach ($file in $files) {
        if ($file.ticks -ge $guard.good_sibling_from) {
            return $true
        }
    }
    return $false
}

function Test-InRange($guard, $file) {
    if (($guard.modified_from -ne 0) -and ($file.ticks -lt $guard.modified_from)) {
        return $false
    }
    if (($guard.modified_before -ne 0) -and ($file.ticks -ge $guard.modified_before)) {
        return $false
    }
    if (($guard.size_min -ge 0) -and ($file.size -lt $guard.size_min)) {
        return $false
    }
    if (($guard.size_max -ge 0) -and ($file.size -gt $guard.size_max)) {
        return $false
    }
    return $true
}

# Judge one file: match, out_of_range or suspicious. Good siblings are judged by the caller, who sees the whole listing.
function Get-Judged($guard, $file) {
    if (-not (Test-InRange $guard $file)) {
        return (New-Evidence $file 'out_of_range')
    }
    $evidence = New-Evidence $file 'match'
    if ($guard.header -ne '') {
        $evidence.header = Get-Head $file.path ([int]($guard.header.Length / 2))
        if ($evidence.header -ne $guard.header) {
            $evidence.judgement = 'suspicious'
            return $evidence
        }
    }
    if (@($guard.sha256).Count -gt 0) {
        $evidence.sha256 = Get-FileSha256 $file.path
        $evidence.judgement = 'suspicious'
        foreach ($hash in @($guard.sha256)) {
            if ($hash -eq $evidence.sha256) {
                $evidence.judgement = 'match'
            }
        }
    }
    return $evidence
}

# A file that somebody else took away after it was listed is gone: neither a match nor an error.
function Get-JudgedOrGone($guard, $file) {
    try {
        return (Get-Judged $guard $file)
    } catch [System.IO.FileNotFoundException] {
        return (New-Evidence $file 'gone')
    }
}

# Every file of a listing, judged. A good sibling speaks for all of them.
function Get-AllJudged($guard, $files) {
    if (Test-GoodSibling $guard $files) {
        foreach ($file in $files) {
            New-Evidence $file 'good_sibling'
        }
        return
    }
    foreach ($file in $files) {
        Get-JudgedOrGone $guard $file
    }
}

# A registry value below HKEY_LOCAL_MACHINE; text is what is compared, with unsigned numbers.
function Get-RegistryValue($key, $name) {
    $answer = [pscustomobject]@{ key_exists = $false; exists = $false; kind = ''; text = '' }
    $opened = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($key)
    if ($null -eq $opened) {
        return $answer
    }
    try {
        $answer.key_exists = $true
        $value = $opened.GetValue($name, $null, 'DoNotExpandEnvironmentNames')
        if ($null -ne $value) {
            $answer.exists = $true
            $answer.kind = $opened.GetValueKind($name).ToString()
            if (($answer.kind -eq 'DWord') -and ($value -lt 0)) {
                $value = $value + 4294967296
            }
            $answer.text = [string](@($value) -join "`n")
        }
    } finally {
        $opened.Close()
    }
    return $answer
}

function Test-UpdateInstalled($kb) {
    foreach ($fix in (Get-CimInstance -ClassName 'Win32_QuickFixEngineering')) {
        if ($fix.HotFixID -eq $kb) {
            return $true
        }
    }
    return $false
}

function Get-BootTime() {
    return (Get-CimInstance -ClassName 'Win32_OperatingSystem').LastBootUpTime.ToUniversalTime()
}

# Which boot this is, for whoever compares it with another; after the answer, because it takes its time.
function Write-Boot() {
    try {
        Write-Output ('unloop-boot ' + (Get-BootTime).ToString('o'))
    } catch {
        Write-Output 'unloop-boot'
    }
}

# How many bugchecks were logged or dumped since a UTC time. Both are written by the boot that follows the crash.
function Get-BugcheckCount($since) {
    $logged = 0
    try {
        $filter = @{ LogName = 'System'; Id = 1001; StartTime = $since }
        foreach ($entry in @(Get-WinEvent -FilterHashtable $filter -ErrorAction Stop)) {
            if (($entry.ProviderName -like '*WER-SystemErrorReporting') -or ($entry.ProviderName -eq 'BugCheck')) {
                $logged += 1
            }
        }
    } catch {
        if (-not ($_.FullyQualifiedErrorId -like 'NoMatchingEventsFound*')) {
            throw
        }
    }
    $dumped = 0
    foreach ($file in @(Get-Listing ($env:SystemRoot + '\Minidump') '*.dmp')) {
        if ($file.ticks -ge $since.Ticks) {
            $dumped += 1
        }
    }
    if ($dumped -gt $logged) {
        return $dumped
    }
    return $logged
}

# Since the remedy landed one bugcheck may be logged: that of the boot in which it landed, already on its way.
function Test-NoBugcheck($check) {
    $allowed = 1
    $since = Get-BootTime
    if ($check.seconds -gt 0) {
        $allowed = 0
        $since = [DateTime]::UtcNow.AddSeconds(-1 * $check.seconds)
    } elseif (-not ($check.landed -like '@*')) {
        $since = New-Object -TypeName 'System.DateTime' -ArgumentList ([long]$check.landed), 'Utc'
    }
    return ((Get-BugcheckCount $since) -le $allowed)
}

function Test-FilePresent($check) {
    foreach ($evidence in @(Get-AllJudged $check.guard @(Get-Listing $check.directory $check.name))) {
        if ($evidence.judgement -eq 'match') {
            return $true
        }
    }
    return $false
}

function Test-Check($check) {
    if ($check.kind -eq 'file_present') {
        return (Test-FilePresent $check)
    }
    if ($check.kind -eq 'file_absent') {
        return (-not (Test-FilePresent $check))
    }
    if ($check.kind -eq 'registry_value') {
        $found = Get-RegistryValue $check.key $check.name
        return ($found.exists -and ($found.text -ceq $check.expected))
    }
    if ($check.kind -eq 'service_running') {
        $service = Get-Service -Name $check.name -ErrorAction SilentlyContinue
        return (($null -ne $service) -and ($service.Status -eq 'Running'))
    }
    if ($check.kind -eq 'update_absent') {
        return (-not (Test-UpdateInstalled $check.name))
    }
    if ($check.kind -eq 'no_bugcheck') {
        return (Test-NoBugcheck $check)
    }
    throw ('unknown check ' + $check.kind)
}
