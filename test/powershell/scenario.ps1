# Serves scenarios inside a real pwsh (7.4 or later), with the same code as the host that is built from host/.
$ErrorActionPreference = 'Stop'
$sources = 'RecordingHost.cs', 'ObjectJson.cs', 'ScenarioServer.cs' | ForEach-Object { Join-Path $PSScriptRoot "host/$_" }
Add-Type -Path $sources -WarningAction SilentlyContinue
[DeviceWriteback.Testing.ScenarioServer]::Serve([System.Management.Automation.Runspaces.InitialSessionState]::CreateDefault())
