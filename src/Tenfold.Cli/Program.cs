using Tenfold.Cli.Edge;

return await CommandEdge.RunAsync(args, Shell.OfThisProcess());
