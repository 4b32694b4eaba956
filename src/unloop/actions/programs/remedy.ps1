# Assess the host, carry out the steps of $order one after the other, judge every guard first, print one unloop-report line.
# Comes after guards.ps1, which lists the constructs and cmdlets in use. Nothing is ever overwritten. External programs:
#   bcdedit.exe, dism.exe, wusa.exe, shutdown.exe, powershell.exe -EncodedCommand (run_script), cmd.exe /d /c FILE (run_script).
# File changes are flushed: a bugcheck can roll back a rename or a registry value that is still in memory.

function New-Result($step, $status, $message, $files) {
    return [pscustomobject]@{ verb = $step.verb; status = $status; message = $message; files = @($files) }
}

# 'in_use' for a sharing or lock violation (Win32 errors 32 and 33 as HRESULTs): its text is translated, its number is not.
function Get-FailureStatus($caught) {
    $number = $caught.Exception.GetBaseException().HResult
    if (($number -eq -2147024864) -or ($number -eq -2147024863)) {
        return 'in_use'
    }
    return 'failed'
}

# The rename must reach the disk before the next crash: flushing the moved file flushes the volume's log up to its rename.
# What comes back is '' or why it was not flushed: the change is made all the same.
function Save-File($path) {
    try {
        $stream = [System.IO.File]::Open($path, 'Open', 'ReadWrite', 'ReadWrite, Delete')
        try {
            $stream.Flush($true)
        } finally {
            $stream.Close()
        }
    } catch {
        return ('not flushed: ' + $_.Exception.Message)
    }
    return ''
}

# File.Move uses MoveFile: it never overwrites. The name is another directory, prefix and extension than any driver's pattern.
function Move-ToQuarantine($step, $evidence) {
    [void][System.IO.Directory]::CreateDirectory($step.quarantine)
    $base = $step.quarantine + '\' + (Get-TextSha256 ($evidence.path.ToLowerInvariant()))
    $destination = $base + '.q'
    $number = 1
    while ([System.IO.File]::Exists($destination)) {
        $destination = $base + '-' + [string]$number + '.q'
        $number += 1
    }
    [System.IO.File]::Move($evidence.path, $destination)
    $evidence.moved_to = $destination
    $note = Save-File $destination
    try {
        if ($evidence.sha256 -eq '') {
            $evidence.sha256 = Get-FileSha256 $destination
        }
    } catch {
        $note = 'not hashed: ' + $_.Exception.Message
    }
    return $note
}

# A deletion can't be flushed, a rename can: the file goes to quarantine first, and from there for good.
function Remove-Guarded($step, $evidence) {
    $note = Move-ToQuarantine $step $evidence
    if ($evidence.sha256 -eq '') {
        return ($note + '; kept in quarantine, for want of its hash')
    }
    try {
        [System.IO.File]::SetAttributes($evidence.moved_to, 'Normal')
        [System.IO.File]::Delete($evidence.moved_to)
        $evidence.moved_to = ''
    } catch {
        $note = 'kept in quarantine: ' + $_.Exception.Message
    }
    return $note
}

function Get-FileStatus($judged, $changed) {
    $status = 'no_match'
    foreach ($evidence in $judged) {
        if ($evidence.judgement -eq 'suspicious') {
            return 'suspicious'
        }
        if ($evidence.judgement -eq 'good_sibling') {
            $status = 'already'
        }
    }
    if ($changed -gt 0) {
        $status = 'changed'
    }
    return $status
}

# quarantine and delete: every file of the pattern, judged one by one.
function Invoke-Removal($step) {
    $judged = @(Get-AllJudged $step.guard @(Get-Listing $step.directory $step.name))
    $changed = 0
    $message = ''
    foreach ($evidence in $judged) {
        if ($evidence.judgement -eq 'match') {
            try {
                if ($step.disposition -eq 'delete') {
                    $note = Remove-Guarded $step $evidence
                } else {
                    $note = Move-ToQuarantine $step $evidence
                }
                $changed += 1
                if ($note -ne '') {
                    $message = $evidence.path + ': ' + $note
                }
            } catch {
                if (($evidence.moved_to -ne '') -or [System.IO.File]::Exists($evidence.path)) {
                    return (New-Result $step (Get-FailureStatus $_) ($evidence.path + ': ' + $_.Exception.Message) $judged)
                }
                $evidence.judgement = 'gone'
            }
        }
    }
    $status = Get-FileStatus $judged $changed
    if ($status -eq 'suspicious') {
        $message = 'a file fits by date and size, but its header or hash is another'
    } elseif ($status -eq 'already') {
        $message = 'a recent enough sibling is there'
    } elseif ($status -eq 'no_match') {
        $message = [string]$judged.Count + ' files of that name, none in range'
    }
    return (New-Result $step $status $message $judged)
}

function Invoke-Put($step) {
    $content = [Convert]::FromBase64String($step.content)
    $there = @(Get-Listing $step.directory $step.name)
    if ($there.Count -gt 0) {
        $evidence = New-Evidence $there[0] 'match'
        $evidence.sha256 = Get-FileSha256 $evidence.path
        if ($evidence.sha256 -eq $step.content_sha256) {
            return (New-Result $step 'already' 'the very file is there' @($evidence))
        }
        $evidence.judgement = 'suspicious'
        return (New-Result $step 'suspicious' 'another file is there; nothing is overwritten' @($evidence))
    }
    [void][System.IO.Directory]::CreateDirectory($step.directory)
    $part = $step.pattern + '.unloop-part'
    if ([System.IO.File]::Exists($part)) {
        [System.IO.File]::Delete($part)
    }
    $stream = [System.IO.File]::Open($part, 'CreateNew', 'Write', 'None')
    try {
        $stream.Write($content, 0, $content.Length)
        $stream.Flush($true)
    } finally {
        $stream.Close()
    }
    [System.IO.File]::Move($part, $step.pattern)
    $note = Save-File $step.pattern
    $there = @(Get-Listing $step.directory $step.name)
    $evidence = New-Evidence $there[0] 'match'
    $evidence.sha256 = Get-FileSha256 $step.pattern
    return (New-Result $step 'changed' $note @($evidence))
}

# The newest source that matches goes back to its place; by whole seconds, as other channels see times, then by path.
function Get-Newest($judged) {
    $newest = $null
    foreach ($evidence in $judged) {
        if ($evidence.judgement -eq 'match') {
            if ($null -eq $newest) {
                $newest = $evidence
            } else {
                $order_of_time = [string]::CompareOrdinal($evidence.modified.Substring(0, 19), $newest.modified.Substring(0, 19))
                $order_of_path = [string]::CompareOrdinal($evidence.path, $newest.path)
                if (($order_of_time -gt 0) -or (($order_of_time -eq 0) -and ($order_of_path -gt 0))) {
                    $newest = $evidence
                }
            }
        }
    }
    return $newest
}

function Invoke-Restore($step) {
    $there = @(Get-Listing $step.directory $step.name)
    if ($there.Count -gt 0) {
        return (New-Result $step 'already' 'a file is there' @(New-Evidence $there[0] 'match'))
    }
    $judged = @(Get-AllJudged $step.guard @(Get-Listing $step.source_directory $step.source_name))
    $newest = Get-Newest $judged
    if ($null -eq $newest) {
        return (New-Result $step (Get-FileStatus $judged 0) 'no file to restore from' $judged)
    }
    [void][System.IO.Directory]::CreateDirectory($step.directory)
    [System.IO.File]::Move($newest.path, $step.pattern)
    $newest.moved_to = $step.pattern
    $note = Save-File $step.pattern
    $newest.sha256 = Get-FileSha256 $step.pattern
    return (New-Result $step 'changed' $note $judged)
}

# Written through to the hive: the lazy writer may take longer than the host has.
function Set-RegistryValue($step, $key) {
    if ($step.type -eq 'DWord') {
        $value = [int]$step.value
    } elseif ($step.type -eq 'QWord') {
        $value = [long]$step.value
    } elseif ($step.type -eq 'MultiString') {
        $value = [string[]]@($step.value)
    } else {
        $value = [string]$step.value
    }
    $opened = [Microsoft.Win32.Registry]::LocalMachine.CreateSubKey($key)
    try {
        $opened.SetValue($step.name, $value, $step.type)
        $opened.Flush()
    } finally {
        $opened.Close()
    }
}

function Test-RegistryAsWanted($step, $key) {
    $found = Get-RegistryValue $key $step.name
    return ($found.exists -and ($found.kind -eq $step.type) -and ($found.text -ceq $step.text))
}

function Invoke-Registry($step) {
    $before = Get-RegistryValue $step.key $step.name
    if (Test-RegistryAsWanted $step $step.key) {
        return (New-Result $step 'already' 'the value is as wanted' @())
    }
    Set-RegistryValue $step $step.key
    if (-not (Test-RegistryAsWanted $step $step.key)) {
        return (New-Result $step 'failed' 'the value was set but reads back otherwise' @())
    }
    $former = 'there was no such value'
    if ($before.exists) {
        $former = 'it was ' + $before.kind + ' ' + $before.text
    }
    return (New-Result $step 'changed' $former @())
}

# Start=4 in every control set, so that no fall-back to the last known good one loads the driver again.
function Invoke-Driver($step) {
    $system = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey('SYSTEM')
    $former = @()
    $found = 0
    foreach ($set in $system.GetSubKeyNames()) {
        if ($set -like 'ControlSet0*') {
            $key = 'SYSTEM\' + $set + '\Services\' + $step.driver
            $before = Get-RegistryValue $key 'Start'
            if ($before.key_exists) {
                $found += 1
                if (-not (Test-RegistryAsWanted $step $key)) {
                    Set-RegistryValue $step $key
                    $former += ($set + ' Start was ' + $before.text)
                }
            }
        }
    }
    $system.Close()
    if ($found -eq 0) {
        return (New-Result $step 'no_match' ('no driver or service is called ' + $step.driver) @())
    }
    if ($former.Count -eq 0) {
        return (New-Result $step 'already' 'it is disabled in every control set' @())
    }
    return (New-Result $step 'changed' ($former -join '; ') @())
}

# Run a program; what it writes to stderr must not become an exception, as it would under remoting with Stop.
function Invoke-Program($program, $arguments) {
    $ErrorActionPreference = 'Continue'
    $lines = @(& $program $arguments 2>$null)
    return [pscustomobject]@{ code = $LASTEXITCODE; lines = $lines }
}

# Packages of the component store that name the update; DISM works in a remote session, where wusa is refused.
function Get-UpdatePackage($kb) {
    $root = 'SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages'
    $packages = [Microsoft.Win32.Registry]::LocalMachine.OpenSubKey($root)
    if ($null -eq $packages) {
        return
    }
    foreach ($name in $packages.GetSubKeyNames()) {
        if (($name -like ('Package_for_' + $kb + '~*')) -and ((Get-RegistryValue ($root + '\' + $name) 'CurrentState').text -eq '112')) {
            $name
        }
    }
    $packages.Close()
}

function Invoke-Update($step) {
    if (-not (Test-UpdateInstalled $step.kb)) {
        return (New-Result $step 'already' ($step.kb + ' is not installed') @())
    }
    $packages = @(Get-UpdatePackage $step.kb)
    if ($packages.Count -gt 0) {
        $program = 'dism.exe'
        $ran = Invoke-Program $program @('/online', '/remove-package', ('/packagename:' + $packages[0]), '/quiet', '/norestart')
    } else {
        $program = 'wusa.exe'
        $ran = Invoke-Program $program @('/uninstall', ('/kb:' + $step.kb.Substring(2)), '/quiet', '/norestart')
    }
    $said = $program + ' ended with ' + [string]$ran.code
    if ($ran.code -eq 3010) {
        return (New-Result $step 'changed' ($said + '; a restart completes it') @())
    }
    if ($ran.code -ne 0) {
        return (New-Result $step 'failed' $said @())
    }
    if (Test-UpdateInstalled $step.kb) {
        return (New-Result $step 'sent' ($said + ', but the update is still listed') @())
    }
    return (New-Result $step 'changed' $said @())
}

function Invoke-CmdFile($step) {
    $path = $env:SystemRoot + '\Temp\unloop-' + $step.script_sha256 + '.cmd'
    if ([System.IO.File]::Exists($path)) {
        [System.IO.File]::Delete($path)
    }
    $content = [Convert]::FromBase64String($step.content)
    $stream = [System.IO.File]::Open($path, 'CreateNew', 'Write', 'None')
    try {
        $stream.Write($content, 0, $content.Length)
    } finally {
        $stream.Close()
    }
    try {
        return (Invoke-Program 'cmd.exe' @('/d', '/c', $path))
    } finally {
        [System.IO.File]::Delete($path)
    }
}

# A script says what it did by a line of its own: unloop-changed or unloop-already. Silence is 'sent', never success.
function Invoke-Script($step) {
    if ($step.shell -eq 'cmd') {
        $ran = Invoke-CmdFile $step
    } else {
        $ran = Invoke-Program 'powershell.exe' @('-NoProfile', '-NonInteractive', '-InputFormat', 'None', '-EncodedCommand', $step.encoded)
    }
    $status = 'sent'
    $said = @()
    foreach ($line in $ran.lines) {
        $text = ([string]$line).Trim()
        if ($text -eq 'unloop-changed') {
            $status = 'changed'
        } elseif (($text -eq 'unloop-already') -and ($status -eq 'sent')) {
            $status = 'already'
        } elseif (($text -ne '') -and ($said.Count -lt 20)) {
            $said += $text
        }
    }
    if ($ran.code -ne 0) {
        $status = 'failed'
        $said = @('exit code ' + [string]$ran.code) + $said
    }
    return (New-Result $step $status ($said -join ' | ') @())
}

# The boot entries that carry the flag; {current} too, so that a host in safe mode gets out of it.
function Get-SafeBoot($entry) {
    $ran = Invoke-Program 'bcdedit.exe' @('/enum', $entry)
    if ($ran.code -ne 0) {
        throw ('bcdedit /enum ' + $entry + ' ended with ' + [string]$ran.code)
    }
    foreach ($line in $ran.lines) {
        $text = ([string]$line).Trim().ToLowerInvariant()
        if ($text -like 'safeboot *') {
            return $text.Substring(8).Trim()
        }
    }
    return ''
}

function Set-SafeBoot($step, $entry) {
    if ($step.mode -eq '') {
        $ran = Invoke-Program 'bcdedit.exe' @('/deletevalue', $entry, 'safeboot')
    } else {
        $ran = Invoke-Program 'bcdedit.exe' @('/set', $entry, 'safeboot', $step.mode)
    }
    if ($ran.code -ne 0) {
        throw ('bcdedit for ' + $entry + ' ended with ' + [string]$ran.code)
    }
    if ((Get-SafeBoot $entry) -ne $step.mode) {
        throw ('bcdedit took the order, but ' + $entry + ' reads back otherwise')
    }
}

function Invoke-SafeBoot($step) {
    $entries = @('{default}')
    if ($step.mode -eq '') {
        $entries = @('{default}', '{current}')
    }
    $former = @()
    foreach ($entry in $entries) {
        $before = Get-SafeBoot $entry
        if ($before -ne $step.mode) {
            Set-SafeBoot $step $entry
            $former += ($entry + ' was ' + "'" + $before + "'")
        }
    }
    if ($former.Count -eq 0) {
        return (New-Result $step 'already' 'the boot entry is as wanted' @())
    }
    return (New-Result $step 'changed' ($former -join '; ') @())
}

function Test-AnyChanged($done) {
    foreach ($result in $done) {
        if (($result.status -eq 'changed') -or ($result.status -eq 'sent')) {
            return $true
        }
    }
    return $false
}

# The restart leaves a few seconds for this report to get home.
function Invoke-Restart($step, $done) {
    if ((@($done).Count -gt 0) -and (-not (Test-AnyChanged $done))) {
        return (New-Result $step 'already' 'nothing was changed, so no restart' @())
    }
    $ran = Invoke-Program 'shutdown.exe' @('/r', '/t', '5', '/f', '/d', 'p:4:1')
    if ($ran.code -ne 0) {
        return (New-Result $step 'failed' ('shutdown.exe ended with ' + [string]$ran.code) @())
    }
    return (New-Result $step 'sent' 'restarting in 5 s' @())
}

function Invoke-Step($step, $done) {
    if (($step.kind -eq 'files') -and ($step.disposition -eq 'put')) {
        return (Invoke-Put $step)
    }
    if (($step.kind -eq 'files') -and ($step.disposition -eq 'restore')) {
        return (Invoke-Restore $step)
    }
    if ($step.kind -eq 'files') {
        return (Invoke-Removal $step)
    }
    if ($step.kind -eq 'registry') {
        return (Invoke-Registry $step)
    }
    if ($step.kind -eq 'driver') {
        return (Invoke-Driver $step)
    }
    if ($step.kind -eq 'update') {
        return (Invoke-Update $step)
    }
    if ($step.kind -eq 'script') {
        return (Invoke-Script $step)
    }
    if ($step.kind -eq 'safe_boot') {
        return (Invoke-SafeBoot $step)
    }
    if ($step.kind -eq 'reboot') {
        return (Invoke-Restart $step $done)
    }
    return (New-Result $step 'unsupported' ('unknown step ' + $step.kind) @())
}

# Stops after a step that failed or found something suspicious: what follows was written for a host that took it.
function Invoke-AllSteps($steps) {
    $done = @()
    foreach ($step in $steps) {
        try {
            $result = Invoke-Step $step $done
        } catch {
            $result = New-Result $step (Get-FailureStatus $_) ([string]$_.Exception.Message) @()
        }
        $done += $result
        if (@('failed', 'in_use', 'suspicious', 'unsupported') -contains $result.status) {
            break
        }
    }
    return $done
}

# The worst wins, and 'changed' beats 'already': the order of unloop.model.report.fold.
function Get-Verdict($done) {
    $ranks = @(
        @('failed', 'failed'), @('unsupported', 'failed'), @('in_use', 'in_use'), @('suspicious', 'suspicious'), @('changed', 'landed'),
        @('sent', 'sent'), @('no_match', 'no_match'), @('already', 'already_good')
    )
    foreach ($rank in $ranks) {
        foreach ($result in $done) {
            if ($result.status -eq $rank[0]) {
                return $rank[1]
            }
        }
    }
    return 'no_match'
}

# '' when the steps are to run; else the verdict, and why.
function Get-Assessment() {
    foreach ($check in @($order.not_applicable_if)) {
        if (Test-Check $check) {
            return [pscustomobject]@{ verdict = 'not_applicable'; message = $check.check }
        }
    }
    $good = @($order.already_good_if)
    foreach ($check in $good) {
        if (-not (Test-Check $check)) {
            return [pscustomobject]@{ verdict = ''; message = '' }
        }
    }
    if ($good.Count -gt 0) {
        return [pscustomobject]@{ verdict = 'already_good'; message = 'the host is as the playbook wants it' }
    }
    return [pscustomobject]@{ verdict = ''; message = '' }
}

function Get-Report() {
    try {
        Assert-Native
        $assessment = Get-Assessment
    } catch {
        $message = 'the host could not be assessed, so nothing was done: ' + $_.Exception.Message
        return [pscustomobject]@{ verdict = 'failed'; actions = @(); message = $message }
    }
    if ($assessment.verdict -ne '') {
        return [pscustomobject]@{ verdict = $assessment.verdict; actions = @(); message = $assessment.message }
    }
    $done = @(Invoke-AllSteps $order.steps)
    return [pscustomobject]@{ verdict = (Get-Verdict $done); actions = $done; message = '' }
}

Write-Answer 'unloop-report' (ConvertTo-Json -InputObject (Get-Report) -Compress -Depth 6)
Write-Boot
