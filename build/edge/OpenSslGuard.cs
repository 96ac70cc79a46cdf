using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeviceWriteback.Edge
{
    /// <summary>
    /// Keeps .NET's OpenSSL apart from Node's. On Linux the node executable exports the symbols of its own OpenSSL; when .NET
    /// loads the system's libssl and libcrypto, their calls of each other are bound to Node's copy, and where the versions
    /// differ the process crashes in the first hash. Both libraries are therefore loaded first with RTLD_DEEPBIND, by which
    /// they prefer their own symbols (dlopen(3)); .NET's own dlopen then gets what is loaded already.
    /// </summary>
    internal static class OpenSslGuard
    {
        // bits/dlfcn.h of glibc.
        private const int Now = 0x2;
        private const int DeepBind = 0x8;
        private const int NoDelete = 0x1000;

        /// <summary>Runs when edge-js enters this assembly, which is before any other .NET code.</summary>
        [ModuleInitializer]
        internal static void Load()
        {
            if (!OperatingSystem.IsLinux()) return;
            // The versions that .NET looks for, in its order.
            foreach (string version in new[] { "3", "1.1" })
            {
                if (Open($"libcrypto.so.{version}") && Open($"libssl.so.{version}")) return;
            }
        }

        private static bool Open(string library)
        {
            return DlOpen(library, Now | DeepBind | NoDelete) != IntPtr.Zero;
        }

        [DllImport("libc", EntryPoint = "dlopen")]
        private static extern IntPtr DlOpen([MarshalAs(UnmanagedType.LPUTF8Str)] string file, int flags);
    }
}
