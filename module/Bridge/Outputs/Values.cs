namespace DeviceWriteback
{
    /// <summary>Attribute values as one text.</summary>
    internal static class Values
    {
        public static string Text(string[] values)
        {
            return values.Length == 0 ? "(none)" : string.Join(", ", values);
        }
    }
}
