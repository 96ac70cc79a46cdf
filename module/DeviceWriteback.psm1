# The root module holds the DSC resource class and nothing else: DSC looks for resource classes in the root script only.
# The cmdlets are in the nested assembly. A function here would lose the caller's -WhatIf and -Verbose preferences.
