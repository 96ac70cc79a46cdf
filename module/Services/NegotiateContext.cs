using System;
using System.Buffers;
using System.Collections.Generic;
using System.Net;
using System.Net.Security;
using Status = System.Net.Security.NegotiateAuthenticationStatusCode;

namespace DeviceWriteback.Services
{
    /// <summary>
    /// One client security context of SPNEGO (RFC 4178). It authenticates both sides and encrypts, or it fails: a context
    /// that could only sign, or that did not prove who the server is, is refused.
    /// </summary>
    internal sealed class NegotiateContext : IDisposable
    {
        private readonly object gate = new();
        private readonly ArrayBufferWriter<byte> buffer = new(64 * 1024);
        private readonly NegotiateAuthentication authentication;
        private readonly string target;
        private readonly string identity;
        private bool ready;

        /// <exception cref="ServiceFailure">IdentityRefused: the user name has a form that this system cannot use.</exception>
        public NegotiateContext(string target, string? userName, string? password)
        {
            this.target = target;
            identity = userName ?? "the account that runs this process";
            authentication = new NegotiateAuthentication(new NegotiateAuthenticationClientOptions
            {
                Package = "Negotiate",
                TargetName = target,
                Credential = userName == null
                    ? CredentialCache.DefaultNetworkCredentials
                    : new NetworkCredential(PrincipalName(userName), password ?? ""),
                RequiredProtectionLevel = ProtectionLevel.EncryptAndSign,
                RequireMutualAuthentication = true,
            });
        }

        /// <summary>Takes the server's token, none at first; gives the next one, and done when no answer to it is needed.</summary>
        public Dictionary<string, object?> Step(byte[] token)
        {
            lock (gate)
            {
                byte[]? next;
                Status status;
                try
                {
                    next = authentication.GetOutgoingBlob(token, out status);
                }
                catch (Exception error) when (error is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException)
                {
                    throw new ServiceFailure("LibraryMissing", $"The Kerberos library of this system cannot be loaded: {Innermost(error).Message}");
                }
                if (status is not (Status.Completed or Status.ContinueNeeded)) throw Refused(status);
                bool done = status == Status.Completed;
                if (done) RequireProtection();
                ready = done;
                return new Dictionary<string, object?> { ["token"] = next ?? [], ["done"] = done };
            }
        }

        public byte[] Wrap(byte[] data)
        {
            lock (gate)
            {
                RequireReady();
                buffer.ResetWrittenCount();
                Status status = authentication.Wrap(data, buffer, requestEncryption: true, out bool encrypted);
                if (status != Status.Completed) throw Broken("sealing", status.ToString());
                if (!encrypted) throw Broken("sealing", "the result is not encrypted");
                return buffer.WrittenSpan.ToArray();
            }
        }

        public byte[] Unwrap(byte[] data)
        {
            lock (gate)
            {
                RequireReady();
                buffer.ResetWrittenCount();
                Status status = authentication.Unwrap(data, buffer, out bool encrypted);
                if (status != Status.Completed) throw Broken("opening", status.ToString());
                if (!encrypted) throw Broken("opening", "it is not encrypted");
                return buffer.WrittenSpan.ToArray();
            }
        }

        public void Dispose()
        {
            lock (gate) authentication.Dispose();
        }

        /// <summary>
        /// Kerberos outside Windows knows name@REALM with the realm in capitals, and no NetBIOS name of a domain.
        /// </summary>
        private static string PrincipalName(string userName)
        {
            if (OperatingSystem.IsWindows()) return userName;
            int backslash = userName.IndexOf('\\');
            string domain = backslash < 0 ? "" : userName[..backslash];
            if (backslash >= 0 && !domain.Contains('.'))
            {
                throw new ServiceFailure("IdentityRefused", $"On this system the user name must have the form name@DNS-DOMAIN; {userName} has another.");
            }
            if (backslash >= 0) return $"{userName[(backslash + 1)..]}@{domain.ToUpperInvariant()}";
            int at = userName.LastIndexOf('@');
            return at < 0 ? userName : userName[..at] + userName[at..].ToUpperInvariant();
        }

        private static Exception Innermost(Exception error)
        {
            while (error.InnerException != null) error = error.InnerException;
            return error;
        }

        private static ServiceFailure Broken(string doing, string why)
        {
            return new ServiceFailure("ContextBroken", $"The security context failed in {doing} a message: {why}.");
        }

        private void RequireReady()
        {
            if (!ready) throw new ServiceFailure("ContextBroken", "The security context is not established.");
        }

        private void RequireProtection()
        {
            if (authentication.ProtectionLevel != ProtectionLevel.EncryptAndSign)
            {
                throw new ServiceFailure("ProtectionRefused", $"{target} does not encrypt the connection.");
            }
            if (!authentication.IsMutuallyAuthenticated)
            {
                throw new ServiceFailure("ProtectionRefused", $"{target} did not prove that it is the server of that name.");
            }
        }

        private ServiceFailure Refused(Status status)
        {
            switch (status)
            {
                case Status.UnknownCredentials:
                case Status.InvalidCredentials:
                case Status.CredentialsExpired:
                    return new ServiceFailure(
                        "IdentityRefused",
                        $"Kerberos gives no ticket to {identity} ({status}). The cause may be a wrong password, a user that the domain does not know, "
                            + "or an account without a valid ticket; Kerberos does not say which.");
                case Status.QopNotSupported:
                case Status.SecurityQosFailed:
                    return new ServiceFailure("ProtectionRefused", $"{target} offers no encrypted connection that proves its identity ({status}).");
                case Status.Unsupported:
                    return new ServiceFailure("LibraryMissing", $"This system has no implementation of Negotiate ({status}).");
                default:
                    return new ServiceFailure(
                        "TargetRefused",
                        $"Kerberos makes no connection to {target} as {identity} ({status}). The cause may be that no account of the domain has that service "
                            + "principal name, that no domain controller of the realm can be reached, or that the clocks differ by more than five minutes.");
            }
        }
    }
}
