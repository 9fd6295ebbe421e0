package dev.sartor.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/**
 * bitsandbytes' {@code create_dynamic_map(signed)} line by line, with what PyTorch 2.13 made of it as
 * checksums of the 256 floats.
 */
final class BitsAndBytesMap {
    private BitsAndBytesMap() {}

    static float[] create(boolean signed) {
        List<Float> data = new ArrayList<>();
        int maxExponentBits = 7;
        for (int i = 0; i < maxExponentBits; i++) {
            int fractionItems = signed ? (1 << i) + 1 : (1 << i + 1) + 1;
            float[] boundaries = linspace(fractionItems);
            float power = (float) Math.pow(10, -(maxExponentBits - 1) + i);
            for (int j = 0; j + 1 < fractionItems; j++) {
                float mean = (boundaries[j] + boundaries[j + 1]) / 2;
                data.add(power * mean);
                if (signed) {
                    data.add(-power * mean);
                }
            }
        }
        data.add(0f);
        data.add(1f);
        data.sort(null);
        var map = new float[256];
        var bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < map.length; i++) {
            map[i] = data.get(i);
            bytes.putFloat(map[i]);
        }
        var checksum = new CRC32();
        checksum.update(bytes.array());
        assertEquals(signed ? 454261483L : 3899729807L, checksum.getValue(), "the map is not PyTorch's");
        return map;
    }

    /** torch.linspace(0.1, 1, steps): in float32 with a fused multiply-add, from both ends. */
    private static float[] linspace(int steps) {
        float step = (1f - 0.1f) / (steps - 1);
        var values = new float[steps];
        for (int i = 0; i < steps; i++) {
            values[i] = i < steps / 2 ? Math.fma(step, i, 0.1f) : Math.fma(-step, steps - 1 - i, 1f);
        }
        return values;
    }
}
