package dev.sartor.cli;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.cli.recipe.Recipe;
import dev.sartor.device.DeviceException;
import java.util.LinkedHashMap;
import java.util.Map;
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
        versionProvider = Version.class)
public final class Main implements Runnable {
    /** In the order in which they are shown. */
    private static final Map<String, Class<?>> COMMANDS = commands();

    @Spec
    private CommandSpec spec;

    private static Map<String, Class<?>> commands() {
        var commands = new LinkedHashMap<String, Class<?>>();
        commands.put("quickstart", QuickstartCommand.class);
        commands.put("sft", SftCommand.class);
        commands.put("pretrain", PretrainCommand.class);
        commands.put("eval", EvalCommand.class);
        commands.put("generate", GenerateCommand.class);
        commands.put("merge", MergeCommand.class);
        commands.put("quantize", QuantizeCommand.class);
        commands.put("upcycle", UpcycleCommand.class);
        commands.put("moe-from-adapters", MoeFromAdaptersCommand.class);
        commands.put("forward", ForwardCommand.class);
        commands.put("plan", PlanCommand.class);
        commands.put("bench", BenchCommand.class);
        commands.put("devices", DevicesCommand.class);
        commands.put("keys", KeysCommand.class);
        return commands;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }

    /**
     * The command, ready to be executed: exit status 0 done, 1 the work failed, 2 wrong usage.
     *
     * @param arguments that it will be executed with; where they begin with a subcommand, it knows no other,
     *     since reading the annotations of all takes a tenth of a second
     */
    public static CommandLine commandLine(String... arguments) {
        var line = new CommandLine(new Main());
        var asked = arguments.length == 0 ? null : COMMANDS.get(arguments[0]);
        if (asked != null) {
            line.addSubcommand(arguments[0], asked);
        } else {
            COMMANDS.forEach(line::addSubcommand);
        }
        return line.setExecutionExceptionHandler((failure, command, result) -> {
            command.getErr().println(command.getColorScheme().errorText("sartor: " + Failures.describe(failure)));
            if (System.getenv("SARTOR_DEBUG") != null) {
                failure.printStackTrace(command.getErr());
            }
            return command.getCommandSpec().exitCodeOnExecutionException();
        });
    }

    /** Loads the native library and its bindings, and what reads JSON and YAML, so that the command finds them loaded. */
    private static void warm() {
        try {
            CpuDevice.open(1).close();
        } catch (DeviceException e) {
            // The command meets it too, and says so.
        }
        new Recipe().set("model_name_or_path", "");
    }

    public static void main(String[] arguments) {
        if (arguments.length > 0 && arguments[0].equals("plan")) {
            // One core reads the command line meanwhile, which takes about as long.
            Thread.ofPlatform().daemon().start(Main::warm);
        }
        System.exit(commandLine(arguments).execute(arguments));
    }
}
