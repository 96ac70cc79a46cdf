# A PowerShell session that is typed into through standard input: one command a line, its output, a line of its own at
# the end. The credentials come first, for what is typed is shown.
param([string] $EndOfOutput)

function New-Credential {
    [pscredential]::new([Console]::In.ReadLine(), [Net.NetworkCredential]::new('', [Console]::In.ReadLine()).SecurePassword)
}

$PSStyle.OutputRendering = 'PlainText'
$administrator = New-Credential
$syncAccount = New-Credential
while ($null -ne ($command = [Console]::In.ReadLine())) {
    try { . ([scriptblock]::Create($command)) | Out-Default } catch { $_ | Out-Default }
    [Console]::Out.WriteLine($EndOfOutput)
}
