# A PowerShell session that is typed into through standard input: one command a line, its output, a line of its own at
# the end. The credentials come first, two lines each, for what is typed is shown; they go into variables of these names.
param([string] $EndOfOutput, [Parameter(ValueFromRemainingArguments)] [string[]] $Names)

function New-Credential {
    [pscredential]::new([Console]::In.ReadLine(), [Net.NetworkCredential]::new('', [Console]::In.ReadLine()).SecurePassword)
}

$PSStyle.OutputRendering = 'PlainText'
foreach ($name in $Names) { $ExecutionContext.SessionState.PSVariable.Set($name, (New-Credential)) }
while ($null -ne ($command = [Console]::In.ReadLine())) {
    try { . ([scriptblock]::Create($command)) | Out-Default } catch { $_ | Out-Default }
    [Console]::Out.WriteLine($EndOfOutput)
}
