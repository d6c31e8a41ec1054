Microsoft.AspNetCore.Builder.WebApplication.Create(args).Run();
