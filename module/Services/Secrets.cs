using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace DeviceWriteback.Services
{
    /// <summary>
    /// Protects bytes for the account that runs this process, by the data protection API of Windows. It is called directly:
    /// .NET Framework and .NET have it in different assemblies, and one for both would be an assembly more to ship.
    /// </summary>
    internal static class Secrets
    {
        /// <summary>CRYPTPROTECT_UI_FORBIDDEN of dpapi.h: nobody may be there to answer.</summary>
        private const int NoPrompt = 1;

        private delegate bool Transform(ref Blob input, IntPtr description, IntPtr entropy, IntPtr reserved, IntPtr prompt, int flags, out Blob output);

        /// <summary>data → data.</summary>
        public static object Protect(Input request)
        {
            return Apply("protecting", CryptProtectData, request.Bytes("data"));
        }

        /// <summary>data → data.</summary>
        public static object Unprotect(Input request)
        {
            return Apply("reading", CryptUnprotectData, request.Bytes("data"));
        }

        private static object Apply(string doing, Transform transform, byte[] data)
        {
            if (!RuntimeInformation.IsOSPlatform(OSPlatform.Windows))
            {
                throw new ServiceFailure("ProtectionUnavailable", "Only Windows protects a secret for an account; this system does not.");
            }
            var input = new Blob { Length = data.Length, Bytes = Marshal.AllocHGlobal(Math.Max(1, data.Length)) };
            try
            {
                Marshal.Copy(data, 0, input.Bytes, data.Length);
                if (!transform(ref input, IntPtr.Zero, IntPtr.Zero, IntPtr.Zero, IntPtr.Zero, NoPrompt, out Blob output))
                {
                    string why = new Win32Exception(Marshal.GetLastWin32Error()).Message;
                    throw new ServiceFailure("SecretUnreadable", $"Windows failed in {doing} a secret of this account: {why}");
                }
                return new Dictionary<string, object?> { ["data"] = Take(output) };
            }
            finally
            {
                Clear(input);
                Marshal.FreeHGlobal(input.Bytes);
            }
        }

        private static byte[] Take(Blob output)
        {
            var bytes = new byte[output.Length];
            Marshal.Copy(output.Bytes, bytes, 0, output.Length);
            Clear(output);
            LocalFree(output.Bytes);
            return bytes;
        }

        private static void Clear(Blob blob)
        {
            for (int i = 0; i < blob.Length; i++) Marshal.WriteByte(blob.Bytes, i, 0);
        }

        [DllImport("crypt32.dll", SetLastError = true)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool CryptProtectData(
            ref Blob input, IntPtr description, IntPtr entropy, IntPtr reserved, IntPtr prompt, int flags, out Blob output);

        [DllImport("crypt32.dll", SetLastError = true)]
        [return: MarshalAs(UnmanagedType.Bool)]
        private static extern bool CryptUnprotectData(
            ref Blob input, IntPtr description, IntPtr entropy, IntPtr reserved, IntPtr prompt, int flags, out Blob output);

        [DllImport("kernel32.dll")]
        private static extern IntPtr LocalFree(IntPtr memory);

        /// <summary>DATA_BLOB of dpapi.h.</summary>
        [StructLayout(LayoutKind.Sequential)]
        private struct Blob
        {
            public int Length;
            public IntPtr Bytes;
        }
    }
}
