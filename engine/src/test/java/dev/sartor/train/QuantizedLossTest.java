package dev.sartor.train;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.backend.cpu.CpuDevice;
import dev.sartor.data.Batch;
import dev.sartor.device.Device;
import dev.sartor.device.QuantType;
import dev.sartor.io.Fixtures;
import dev.sartor.model.LanguageModel;
import dev.sartor.quant.QuantizationConfig;
import dev.sartor.tape.Workspace;
import dev.sartor.tensor.DType;
import dev.sartor.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What quantizing costs trained models, whose rows are no multiple of a block: 64 and 172 columns, 128 and 384. */
class QuantizedLossTest {
    private static final int CHARACTERS = 12_000;

    @TempDir
    Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"stories260K", "tinystories-656k"})
    void nf4LosesUnderThreePercent(String name) throws IOException {
        var directory = Fixtures.require("models/" + name);
        var text = Files.readString(Fixtures.require("data/tinyshakespeare/input.txt")).substring(0, CHARACTERS);
        var file = Files.writeString(temporary.resolve("text.txt"), text);
        List<Batch> batches;
        try (var tokenizer = Tokenizer.open(directory)) {
            batches = DataSource.readEvaluation(
                    DataSource.Options.of(List.of()).withMaxLength(256), List.of(file), tokenizer, new ArrayList<>());
        }
        try (var device = CpuDevice.open(2)) {
            double dense = loss(device, directory, null, batches);
            double nf4 = loss(device, directory, QuantizationConfig.of(QuantType.NF4, false), batches);
            double twice = loss(device, directory, QuantizationConfig.of(QuantType.NF4, true), batches);
            double int8 = loss(device, directory, QuantizationConfig.of(QuantType.INT8, false), batches);
            assertTrue(nf4 > dense && nf4 < 1.03 * dense, dense + " to " + nf4);
            assertTrue(Math.abs(twice - nf4) < 0.01 * dense, nf4 + " and doubly " + twice);
            assertTrue(Math.abs(int8 - dense) < 0.003 * dense, dense + " to " + int8);
        }
    }

    private static double loss(Device device, Path directory, QuantizationConfig config, List<Batch> batches) throws IOException {
        try (var model = LanguageModel.open(device, directory, DType.FLOAT32, false, config);
                var workspace = new Workspace(device)) {
            return Evaluation.of(Programs.evaluation(model, workspace), batches).loss();
        }
    }
}
