# A PowerShell session that is typed into through standard input: one command a line, its output, a line of its own at
# the end. The credentials come first, two lines each, for what is typed is shown; they go into variables of these names.
param([string] $EndOfOutput, [Parameter(ValueFromRemainingArguments)] [string[]] $Names)

function New-Credential {
    [pscredential]::new([Console]::In.ReadLine(), [Net.NetworkCredential]::new('', [Console]::In.ReadLine()).SecurePassword)
}

$PSStyle.OutputRendering = 'PlainText'
foreach ($name in $Names) { $ExecutionContext.SessionState.PSVariable.Set($name, (New-Credential)) }
# Without a terminal PowerShell takes lines for 80 characters long. The test host goes by COLUMNS, and has no Out-String.
$isHost = $null -eq (Get-Command Out-String -ErrorAction Ignore)
$typed = { try { . ([scriptblock]::Create($command)) } catch { $_ } }
while ($null -ne ($command = [Console]::In.ReadLine())) {
    if ($isHost) { . $typed | Out-Default } else { . $typed | Out-String -Stream -Width $env:COLUMNS | Out-Default }
    [Console]::Out.WriteLine($EndOfOutput)
}
