return await PaymentSimulator.SimulatorApp.RunAsync(args);
