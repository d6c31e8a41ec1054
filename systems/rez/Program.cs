return await Rez.RezApp.RunAsync(args);
