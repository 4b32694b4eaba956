# Answer the checks of $order: one unloop-checks line, one unloop-boot line. Changes nothing.
# Comes after guards.ps1, which lists the constructs and cmdlets in use.

function Get-Answer($check) {
    try {
        Assert-Native
        return [pscustomobject]@{ check = $check.check; holds = [bool](Test-Check $check); message = '' }
    } catch {
        return [pscustomobject]@{ check = $check.check; holds = $null; message = [string]$_.Exception.Message }
    }
}

$answers = @()
foreach ($check in @($order.checks)) {
    $answers += (Get-Answer $check)
}
Write-Answer 'unloop-checks' (ConvertTo-Json -InputObject @($answers) -Compress -Depth 4)
Write-Boot
