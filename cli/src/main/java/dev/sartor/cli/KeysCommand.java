package dev.sartor.cli;

import dev.sartor.cli.recipe.Keys;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "keys", description = "Lists the keys of recipes and --set.", mixinStandardHelpOptions = true)
final class KeysCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        for (var key : Keys.all()) {
            var aliases = key.aliases().isEmpty() ? "" : " (also " + String.join(", ", key.aliases()) + ")";
            System.out.println("%-30s %s; %s%s".formatted(key.name(), key.meaning(), key.type().expected(), aliases));
        }
        return 0;
    }
}
