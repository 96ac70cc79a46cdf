using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DeviceWriteback.Services
{
    /// <summary>Certificates of the stores CurrentUser\My and LocalMachine\My. A private key is used where it lies and never leaves it.</summary>
    internal static class Certificates
    {
        private static readonly StoreLocation[] Everywhere = { StoreLocation.CurrentUser, StoreLocation.LocalMachine };

        /// <summary>thumbprint (SHA-1, 40 hexadecimal digits), storeLocation? → certificate (DER), storeLocation, hasPrivateKey.</summary>
        public static object Find(Input request)
        {
            using (X509Certificate2 certificate = Open(request, out StoreLocation location))
            {
                return new Dictionary<string, object?>
                {
                    ["certificate"] = certificate.RawData,
                    ["storeLocation"] = location.ToString(),
                    ["hasPrivateKey"] = certificate.HasPrivateKey,
                };
            }
        }

        /// <summary>The same, data and algorithm (PS256 or RS256 of RFC 7518) → signature, certificate (DER).</summary>
        public static object Sign(Input request)
        {
            byte[] data = request.Bytes("data");
            string algorithm = request.Text("algorithm");
            RSASignaturePadding padding = Padding(algorithm);
            using (X509Certificate2 certificate = Open(request, out StoreLocation location))
            {
                string name = $"The private key of the certificate {certificate.Thumbprint} in {location}\\My";
                using (RSA key = OpenKey(certificate, name))
                {
                    // A key of the old CryptoAPI, as .NET Framework opens it, knows PKCS #1 only.
                    if (algorithm == "PS256" && key is RSACryptoServiceProvider) throw NotByKey(name, algorithm, "it is a key of the old CryptoAPI");
                    try
                    {
                        byte[] signature = key.SignData(data, HashAlgorithmName.SHA256, padding);
                        return new Dictionary<string, object?> { ["signature"] = signature, ["certificate"] = certificate.RawData };
                    }
                    catch (CryptographicException error)
                    {
                        throw algorithm == "PS256"
                            ? NotByKey(name, algorithm, error.Message)
                            : new ServiceFailure("KeyUnusable", $"{name} made no {algorithm} signature: {error.Message}");
                    }
                }
            }
        }

        private static RSASignaturePadding Padding(string algorithm)
        {
            switch (algorithm)
            {
                case "PS256": return RSASignaturePadding.Pss;
                case "RS256": return RSASignaturePadding.Pkcs1;
                default: throw new ServiceFailure("RequestInvalid", $"{algorithm} is neither PS256 nor RS256.");
            }
        }

        private static RSA OpenKey(X509Certificate2 certificate, string name)
        {
            if (!certificate.HasPrivateKey) throw new ServiceFailure("KeyUnusable", $"{name} is not on this computer.");
            try
            {
                return certificate.GetRSAPrivateKey() ?? throw new ServiceFailure("KeyUnusable", $"{name} is no RSA key.");
            }
            catch (CryptographicException error)
            {
                throw new ServiceFailure("KeyUnusable", $"{name} cannot be used by the account that runs this process: {error.Message}");
            }
        }

        private static ServiceFailure NotByKey(string name, string algorithm, string why)
        {
            return new ServiceFailure("AlgorithmUnsupported", $"{name} makes no {algorithm} signature: {why}");
        }

        /// <summary>The certificate of that thumbprint; where both stores have it, the first one with a private key.</summary>
        private static X509Certificate2 Open(Input request, out StoreLocation location)
        {
            string thumbprint = request.Text("thumbprint").Replace(" ", "").ToUpperInvariant();
            if (thumbprint.Length != 40 || !thumbprint.All(Uri.IsHexDigit))
            {
                throw new ServiceFailure("CertificateNotFound", $"{thumbprint} is no thumbprint, which has 40 hexadecimal digits.");
            }
            StoreLocation[] places = Places(request.OptionalText("storeLocation"));
            X509Certificate2? found = null;
            location = places[0];
            foreach (StoreLocation place in places)
            {
                foreach (X509Certificate2 candidate in Matches(place, thumbprint))
                {
                    if (found != null && (found.HasPrivateKey || !candidate.HasPrivateKey)) continue;
                    found = candidate;
                    location = place;
                }
            }
            string searched = string.Join(" and ", places.Select(place => $"{place}\\My"));
            return found ?? throw new ServiceFailure("CertificateNotFound", $"There is no certificate {thumbprint} in {searched}.");
        }

        private static StoreLocation[] Places(string? named)
        {
            if (named == null) return Everywhere;
            return Enum.TryParse(named, out StoreLocation place) && Everywhere.Contains(place)
                ? new[] { place }
                : throw new ServiceFailure("RequestInvalid", $"{named} is neither CurrentUser nor LocalMachine.");
        }

        private static List<X509Certificate2> Matches(StoreLocation place, string thumbprint)
        {
            using (var store = new X509Store(StoreName.My, place))
            {
                try
                {
                    store.Open(OpenFlags.ReadOnly | OpenFlags.OpenExistingOnly);
                }
                catch (Exception error) when (error is CryptographicException || error is PlatformNotSupportedException)
                {
                    // A store that nobody has made yet holds nothing; outside Windows there is none of the computer.
                    return new List<X509Certificate2>();
                }
                return store.Certificates.Find(X509FindType.FindByThumbprint, thumbprint, validOnly: false).Cast<X509Certificate2>().ToList();
            }
        }
    }
}
