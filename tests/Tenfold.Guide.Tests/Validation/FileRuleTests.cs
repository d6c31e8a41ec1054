using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Validation;

public sealed class FileRuleTests
{
    [Fact]
    public void Folders_and_files_that_are_not_there_are_errors()
    {
        using var folder = new TemporaryFolder();
        folder.Write("empty/readme.md", "");
        folder.Write("two/a.csproj", "");
        folder.Write("two/b.csproj", "");
        var file = folder.Write("tenfold.yaml", """
            system: shop
            services:
              none: { project: nowhere }
              empty: { project: empty }
              two: { project: two }
              file: { project: two/c.csproj }
            stores: { main: { engine: postgres, schema: sql } }
            gateway: { tls: { certificate: cert.pem, key: key.pem } }
            """);

        Assert.Equal(
            [
                $"{file}:3:20: services.none.project: there is no folder 'nowhere' beside the guide",
                $"{file}:4:21: services.empty.project: the folder 'empty' holds no .csproj",
                $"{file}:5:19: services.two.project: the folder 'two' holds 2 .csproj files; name one of them",
                $"{file}:6:20: services.file.project: there is no file 'two/c.csproj' beside the guide",
                $"{file}:7:45: stores.main.schema: there is no folder 'sql' beside the guide",
                $"{file}:8:32: gateway.tls.certificate: there is no file 'cert.pem' beside the guide",
                $"{file}:8:47: gateway.tls.key: there is no file 'key.pem' beside the guide",
            ],
            GuideReader.Read(file).Errors.Select(e => e.ToString()));
    }

    [Fact]
    public void Folders_and_files_that_are_there_are_found_from_the_guide()
    {
        using var folder = new TemporaryFolder();
        folder.Write("src/a.csproj", "");
        folder.Write("b.csproj", "");
        folder.Write("sql/001-a.sql", "");
        folder.Write("cert.pem", "");
        var file = folder.Write("tenfold.yaml", """
            system: shop
            services: { one: { project: src }, two: { project: b.csproj }, three: { project: . } }
            stores: { main: { engine: postgres, schema: sql } }
            gateway: { tls: { certificate: cert.pem, key: cert.pem } }
            """);

        var result = GuideReader.Read(file);

        Assert.Empty(result.Errors);
        Assert.Equal(folder.Path, result.Guide!.Folder);
    }
}
