// edge-js opens this namespace of the C# compiler and uses nothing of it; declared here, the compiler is not needed.
namespace Microsoft.CodeAnalysis.CSharp.Syntax
{
    internal static class Nothing
    {
    }
}
