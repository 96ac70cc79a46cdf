using System.Collections;
using System.Collections.Generic;
using System.Management.Automation;
using DeviceWriteback.Bridge;

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
        /// secret: secrets are given as PSCredential.
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
        /// A PEM file with the certificate of the application and its private key. A certificate is preferred to a
        /// client secret.
        /// </summary>
        [Parameter]
        [ValidateNotNullOrEmpty]
        public string? CertificatePath { get; set; }

        /// <summary>The client secret of the application: the user name is the client id, the password the secret.</summary>
        [Parameter]
        [Credential]
        public PSCredential? ClientSecretCredential { get; set; }

        /// <summary>
        /// The cloud: Global (the default), USGov, USGovDoD or China, or a hashtable with the two base addresses of a
        /// custom one: @{ graph = 'https://...'; login = 'https://...' }.
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

        /// <summary>The account that binds to the directory.</summary>
        [Parameter]
        [Credential]
        public PSCredential? Credential { get; set; }

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

        private protected virtual Dictionary<string, object?> Parameters()
        {
            var parameters = new Dictionary<string, object?>();
            Add(parameters, "configurationPath", AbsolutePath(ConfigurationPath));
            Add(parameters, "tenantId", TenantId);
            Add(parameters, "clientId", ClientId);
            Add(parameters, "certificatePath", AbsolutePath(CertificatePath));
            Add(parameters, "clientSecretCredential", Given(ClientSecretCredential));
            Add(parameters, "environment", WireEnvironment(Environment));
            Add(parameters, "server", Server);
            Add(parameters, "credential", Given(Credential));
            Add(parameters, "trustedCertificate", AbsolutePath(TrustedCertificate));
            Add(parameters, "domainName", DomainName);
            Add(parameters, "statePath", AbsolutePath(StatePath));
            return parameters;
        }

        private protected static void Add(Dictionary<string, object?> parameters, string name, object? value)
        {
            if (value != null && !"".Equals(value)) parameters[name] = value;
        }

        /// <summary>The path as the file system of any process sees it: the engine knows no PowerShell drive.</summary>
        private protected string? AbsolutePath(string? path)
        {
            return string.IsNullOrEmpty(path) ? null : GetUnresolvedProviderPathFromPSPath(path);
        }

        private static PSCredential? Given(PSCredential? credential)
        {
            return credential == PSCredential.Empty ? null : credential;
        }

        private static object? WireEnvironment(object? environment)
        {
            object? plain = environment is PSObject wrapped ? wrapped.BaseObject : environment;
            if (!(plain is IDictionary addresses)) return plain?.ToString();
            var wire = new Dictionary<string, object?>();
            foreach (DictionaryEntry address in addresses)
                wire[address.Key.ToString()!.ToLowerInvariant()] = address.Value?.ToString();
            return wire;
        }
    }
}
