package dev.sartor.cli.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SizeTest {
    @Test
    void unitsAsPeopleWriteThem() {
        assertEquals(24L << 30, Size.bytes("24GiB"));
        assertEquals(24_000_000_000L, Size.bytes("24GB"));
        assertEquals(24L << 30, Size.bytes("24G"));
        assertEquals(3L << 29, Size.bytes("1.5 gib"));
        assertEquals(512L << 20, Size.bytes("512MiB"));
        assertEquals(1000, Size.bytes("1000"));
        for (var wrong : new String[] {"", "GiB", "-1GiB", "0", "1.5.2G", "24 apples"}) {
            assertTrue(assertThrows(RecipeException.class, () -> Size.bytes(wrong)).getMessage().contains("24GiB"), wrong);
        }
    }
}
