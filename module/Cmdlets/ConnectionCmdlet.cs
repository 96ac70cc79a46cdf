using System.Collections.Generic;
using System.Management.Automation;
using System.Security;

namespace DeviceWriteback
{
    /// <summary>
    /// A cmdlet that signs in to Entra and connects to Active Directory. Every parameter may come from the configuration
    /// file instead, so none is mandatory here; the engine says what is missing.
    /// </summary>
    public abstract class ConnectionCmdlet : EngineCmdlet
    {
        /// <summary>
        /// A JSON file with the same names as the parameters. A parameter that is given beats the file. The file holds no
        /// secret: secrets are given as PSCredential or SecureString.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? ConfigurationPath { get; set; }

        /// <summary>The id of the Entra tenant, a GUID.</summary>
        [Parameter]
        [Alias("Tenant")]
        [ValidateNotNullOrEmpty]
        public string? TenantId { get; set; }

        /// <summary>The application (client) id that signs in.</summary>
        [Parameter]
        [Alias("AppId", "ApplicationId")]
        [ValidateNotNullOrEmpty]
        public string? ClientId { get; set; }

        /// <summary>
        /// A PEM or PFX file with the certificate of the application and its private key. A certificate is preferred to a
        /// client secret.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? CertificatePath { get; set; }

        /// <summary>The password of the PFX file or of the encrypted private key that -CertificatePath names.</summary>
        [Parameter]
        public SecureString? CertificatePassword { get; set; }

        /// <summary>
        /// The certificate of the application in the personal store of this account or of the computer, by its thumbprint of
        /// 40 hexadecimal digits. Its private key stays in the store, so it may be one that cannot be exported.
        /// </summary>
        [Parameter]
        [ValidatePattern("^[0-9A-Fa-f]{40}$")]
        public string? CertificateThumbprint { get; set; }

        /// <summary>The client secret of the application: the user name is the client id, the password the secret.</summary>
        [Parameter]
        [Credential]
        public PSCredential? ClientSecretCredential { get; set; }

        /// <summary>
        /// Signs in with the managed identity of this Azure virtual machine or Azure Arc server; -ClientId names a
        /// user-assigned one. It is what Connect-MgGraph calls -Identity, a name that stands for the device in
        /// Get-DeviceWritebackDevice.
        /// </summary>
        [Parameter]
        [Alias("MSI", "ManagedServiceIdentity")]
        public SwitchParameter ManagedIdentity { get; set; }

        /// <summary>
        /// Signs in as a person: a warning shows a code and the address at which it is to be entered in a browser of any
        /// computer. It is of no use where nobody reads the warning.
        /// </summary>
        [Parameter]
        [Alias("DeviceCode", "DeviceAuth")]
        public SwitchParameter UseDeviceCode { get; set; }

        /// <summary>
        /// An access token for Microsoft Graph that was got elsewhere. It is not renewed, so it must outlive the reading.
        /// </summary>
        [Parameter]
        public SecureString? AccessToken { get; set; }

        /// <summary>
        /// The cloud: Global (the default), USGov, USGovDoD or China, or a hashtable or object with the two base
        /// addresses of a custom one and nothing else: @{ graph = 'https://...'; login = 'https://...' }.
        /// </summary>
        [Parameter]
        [Alias("EnvironmentName")]
        [ArgumentCompleter(typeof(EnvironmentCompleter))]
        [ValidateNotNullOrEmpty]
        public object? Environment { get; set; }

        /// <summary>
        /// The domain controller, as host name or host:port. All runs should name the same one, because domain controllers
        /// differ for minutes.
        /// </summary>
        [Parameter]
        [Alias("DomainController")]
        [ValidateNotNullOrEmpty]
        public string? Server { get; set; }

        /// <summary>
        /// The account that binds to the directory. Without it the account that runs the command binds. With -AuthType
        /// External its password is that of the private key.
        /// </summary>
        [Parameter]
        [Credential]
        public PSCredential? Credential { get; set; }

        /// <summary>
        /// How to bind: Negotiate (Kerberos; the default without -Credential), Basic (a simple bind under TLS; the default
        /// with -Credential) or External (with the client certificate of -DirectoryCertificatePath).
        /// </summary>
        [Parameter]
        [ValidateSet("Negotiate", "Basic", "External")]
        public string? AuthType { get; set; }

        /// <summary>Connects without TLS, as a rule to port 389, and starts TLS before the bind, instead of LDAPS.</summary>
        [Parameter]
        public SwitchParameter StartTls { get; set; }

        /// <summary>A PEM file with the client certificate and its private key for -AuthType External.</summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? DirectoryCertificatePath { get; set; }

        /// <summary>
        /// A PEM file with the certificates that the domain controller's certificate may be issued by. Without it the
        /// certification authorities that the computer trusts are used.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? TrustedCertificate { get; set; }

        /// <summary>The DNS name of the Active Directory domain that holds the device objects.</summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? DomainName { get; set; }

        /// <summary>
        /// The folder of state, journals and reports. The default is %ProgramData%\DeviceWriteback, on Linux
        /// /var/lib/devicewriteback.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? StatePath { get; set; }

        /// <summary>
        /// Minutes that all requests to Microsoft Graph may take together, waits included. The default is 240. A run that
        /// needs longer ends with nothing removed.
        /// </summary>
        [Parameter]
        [ValidateRange(1, 1440)]
        public int GraphTimeLimit { get; set; }

        /// <summary>
        /// The longest wait before a request to Microsoft Graph is tried again, in seconds, whatever Graph asks for. The
        /// default is 180.
        /// </summary>
        [Parameter]
        [ValidateRange(1, 3600)]
        public int GraphWaitLimit { get; set; }

        private protected virtual Dictionary<string, object?> Parameters()
        {
            var parameters = new Dictionary<string, object?>();
            Add(parameters, "configurationPath", AbsolutePath(ConfigurationPath));
            Add(parameters, "tenantId", TenantId);
            Add(parameters, "clientId", ClientId);
            Add(parameters, "certificatePath", AbsolutePath(CertificatePath));
            Add(parameters, "certificatePassword", CertificatePassword?.Copy());
            Add(parameters, "certificateThumbprint", CertificateThumbprint);
            Add(parameters, "clientSecretCredential", Given(ClientSecretCredential));
            AddIfBound(parameters, "managedIdentity", nameof(ManagedIdentity), ManagedIdentity.IsPresent);
            AddIfBound(parameters, "useDeviceCode", nameof(UseDeviceCode), UseDeviceCode.IsPresent);
            Add(parameters, "accessToken", AccessToken?.Copy());
            Add(parameters, "environment", WireEnvironment());
            Add(parameters, "server", Server);
            Add(parameters, "credential", Given(Credential));
            Add(parameters, "authType", AuthType);
            AddIfBound(parameters, "startTls", nameof(StartTls), StartTls.IsPresent);
            Add(parameters, "directoryCertificatePath", AbsolutePath(DirectoryCertificatePath));
            Add(parameters, "trustedCertificate", AbsolutePath(TrustedCertificate));
            Add(parameters, "domainName", DomainName);
            Add(parameters, "statePath", AbsolutePath(StatePath));
            AddIfBound(parameters, "graphTimeLimit", nameof(GraphTimeLimit), GraphTimeLimit);
            AddIfBound(parameters, "graphWaitLimit", nameof(GraphWaitLimit), GraphWaitLimit);
            return parameters;
        }

        private protected static void Add(Dictionary<string, object?> parameters, string name, object? value)
        {
            if (value != null && !"".Equals(value)) parameters[name] = value;
        }

        /// <summary>For values whose zero or false says something too.</summary>
        private protected void AddIfBound(Dictionary<string, object?> parameters, string name, string parameter, object value)
        {
            if (MyInvocation.BoundParameters.ContainsKey(parameter)) parameters[name] = value;
        }

        /// <summary>The path as the file system of any process sees it: the engine knows no PowerShell drive.</summary>
        private protected string? AbsolutePath(string? path)
        {
            return string.IsNullOrEmpty(path) ? null : GetUnresolvedProviderPathFromPSPath(path);
        }

        /// <summary>
        /// The credential if one was given, its password copied: it is read on another thread, which a password that its
        /// owner has cleared would end.
        /// </summary>
        private static PSCredential? Given(PSCredential? credential)
        {
            if (credential == null || credential == PSCredential.Empty) return null;
            return new PSCredential(credential.UserName, credential.Password.Copy());
        }

        private object? WireEnvironment()
        {
            try
            {
                return EnvironmentValue.Wire(Environment);
            }
            catch (WritebackException error)
            {
                ThrowTerminatingError(error.ToErrorRecord());
                throw;
            }
        }
    }
}
