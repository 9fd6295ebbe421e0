package dev.sartor.cli;

import dev.sartor.backend.Devices;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

@Command(name = "devices", description = "Lists what can compute here, and why the rest cannot.", mixinStandardHelpOptions = true)
final class DevicesCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        for (var availability : Devices.list()) {
            System.out.println(switch (availability) {
                case Devices.Availability.Usable usable -> "%-12s usable      %s".formatted(usable.name(), usable.description());
                case Devices.Availability.Unusable unusable -> "%-12s not usable  %s".formatted(unusable.name(), unusable.reason());
            });
        }
        return 0;
    }
}
