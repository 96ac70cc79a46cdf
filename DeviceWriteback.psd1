@{
    RootModule             = 'module/DeviceWriteback.psm1'
    ModuleVersion          = '0.1.0'
    GUID                   = 'f7c1593d-977c-44a4-8e2e-485c5571602a'
    Author                 = 'The DeviceWriteback authors'
    CompanyName            = 'The DeviceWriteback authors'
    Copyright              = 'The DeviceWriteback authors. MIT licence.'
    Description            = 'Keeps the msDS-Device objects of Active Directory equal to the devices of an Entra ID tenant, for AD FS and Windows Hello for Business.'
    PowerShellVersion      = '5.1'
    DotNetFrameworkVersion = '4.7.2'
    CompatiblePSEditions   = @('Desktop', 'Core')
    NestedModules          = @('module/bin/DeviceWriteback.dll')
    FormatsToProcess       = @('module/DeviceWriteback.Format.ps1xml')
    FunctionsToExport      = @()
    CmdletsToExport        = @(
        'ConvertTo-DeviceWritebackReport'
        'Enable-DeviceWriteback'
        'Get-DeviceWritebackDevice'
        'Get-DeviceWritebackPlan'
        'Sync-DeviceWriteback'
        'Test-DeviceWritebackPrereq'
    )
    VariablesToExport      = @()
    AliasesToExport        = @()
    PrivateData            = @{
        PSData = @{
            Tags = @(
                'ActiveDirectory', 'EntraID', 'AzureAD', 'DeviceWriteback', 'ADFS', 'WindowsHelloForBusiness', 'HybridIdentity',
                'PSEdition_Desktop', 'PSEdition_Core', 'Windows', 'Linux'
            )
        }
    }
}
