// Reads by concurrent callers, and a mix of reads and writes over replicas.
// Usage: PostgresDriver read HOST PORT point|list CALLERS WARM-SECONDS SECONDS
//            the data plane and bare Npgsql in turns of a fifth of a second in one process;
//            prints: operations, CPU microseconds, bytes allocated of the data plane; then the same of bare Npgsql
//        PostgresDriver timed HOST PORT point|list CALLERS WARM-SECONDS SECONDS
//            the same; instead of bare Npgsql the data plane with each command timed, as for the log of slow queries
//        PostgresDriver mixed HOSTS CALLERS SECONDS
//            19 reads for each write, tokens carried; prints: writes, reads, reads by the primary, violations
return args[0] is "read" or "timed" ? await PostgresDriver.Read.RunAsync(args) : await PostgresDriver.Mixed.RunAsync(args);
