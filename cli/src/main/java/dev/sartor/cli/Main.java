package dev.sartor.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code sartor} command. */
@Command(
        name = "sartor",
        description = "Fine-tunes large language models on the JVM.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            QuickstartCommand.class, SftCommand.class, PretrainCommand.class, EvalCommand.class, GenerateCommand.class,
            MergeCommand.class, QuantizeCommand.class, ForwardCommand.class, PlanCommand.class, BenchCommand.class, DevicesCommand.class,
            KeysCommand.class
        })
public final class Main implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }

    /** The command, ready to be executed: exit status 0 done, 1 the work failed, 2 wrong usage. */
    public static CommandLine commandLine() {
        return new CommandLine(new Main()).setExecutionExceptionHandler((failure, command, result) -> {
            command.getErr().println(command.getColorScheme().errorText("sartor: " + Failures.describe(failure)));
            if (System.getenv("SARTOR_DEBUG") != null) {
                failure.printStackTrace(command.getErr());
            }
            return command.getCommandSpec().exitCodeOnExecutionException();
        });
    }

    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }
}
