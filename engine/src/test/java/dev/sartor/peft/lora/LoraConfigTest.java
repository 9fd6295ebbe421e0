package dev.sartor.peft.lora;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.sartor.io.FormatException;
import dev.sartor.io.Json;
import dev.sartor.peft.AdapterMethods;
import dev.sartor.peft.ModuleSelector;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.ObjectNode;

/** adapter_config.json of LoRA, in and out. */
class LoraConfigTest {
    /** As PEFT 0.21 writes it, with a field of the future. */
    private static final String FULL = """
            {
              "alora_invocation_tokens": null, "alpha_pattern": {"v_proj": 32, "o_proj": 1.5}, "arrow_config": null,
              "auto_mapping": null, "base_model_name_or_path": "org/model", "bias": "lora_only",
              "ensure_weight_tying": false, "exclude_modules": ["gate_proj"], "fan_in_fan_out": false,
              "inference_mode": true, "init_lora_weights": "gaussian", "layer_replication": null,
              "layers_pattern": ["layers"], "layers_to_transform": [1, 2], "loftq_config": {}, "lora_alpha": 16,
              "lora_bias": false, "lora_dropout": 0.1, "megatron_config": null, "megatron_core": "megatron.core",
              "modules_to_save": ["lm_head"], "peft_type": "LORA", "peft_version": "0.21.0", "qalora_group_size": 16,
              "r": 4, "rank_pattern": {"q_proj": 2, ".*k_proj": 3}, "revision": null,
              "target_modules": ["q_proj", "v_proj"], "target_parameters": null, "task_type": "CAUSAL_LM",
              "trainable_token_indices": null, "use_dora": true, "use_qalora": false, "use_rslora": true,
              "with_something_new": {"depth": 3}
            }""";

    private static ObjectNode json(String text) throws FormatException {
        return (ObjectNode) Json.parse(text, "test");
    }

    private static LoraConfig read(String text) throws FormatException {
        return LoraConfig.read(json(text), "adapter_config.json");
    }

    @Test
    void readsEveryField() throws FormatException {
        var config = read(FULL);
        assertEquals(4, config.r());
        assertEquals(16, config.loraAlpha());
        assertEquals(0.1, config.loraDropout());
        assertEquals(ModuleSelector.names("q_proj", "v_proj"), config.targetModules());
        assertEquals(ModuleSelector.names("gate_proj"), config.excludeModules());
        assertEquals(LoraConfig.Bias.LORA_ONLY, config.bias());
        assertTrue(config.useRslora());
        assertTrue(config.useDora());
        assertEquals(List.of("lm_head"), config.modulesToSave());
        assertEquals(LoraConfig.InitLoraWeights.GAUSSIAN, config.initLoraWeights());
        assertEquals(List.of(1, 2), config.layersToTransform());
        assertEquals(List.of("layers"), config.layersPattern());
        assertEquals(Map.of("q_proj", 2, ".*k_proj", 3), config.rankPattern());
        assertEquals(List.of("q_proj", ".*k_proj"), List.copyOf(config.rankPattern().keySet()), "the file's order");
        assertEquals(Map.of("v_proj", 32.0, "o_proj", 1.5), config.alphaPattern());
        assertEquals("CAUSAL_LM", config.taskType());
        assertEquals("org/model", config.baseModelNameOrPath());
    }

    @Test
    void whatIsWrittenIsWhatWasRead() throws FormatException {
        var expected = json(FULL);
        expected.remove("inference_mode");
        assertEquals(Json.compact(expected), Json.compact(read(FULL).toJson()), "in order, with the fields that mean nothing here");
    }

    @Test
    void absentFieldsHavePeftsDefaults() throws FormatException {
        var config = read("{\"peft_type\": \"LORA\"}");
        assertEquals(8, config.r());
        assertEquals(8, config.loraAlpha());
        assertEquals(0, config.loraDropout());
        assertInstanceOf(ModuleSelector.Unset.class, config.targetModules());
        assertEquals(LoraConfig.Bias.NONE, config.bias());
        assertEquals(LoraConfig.InitLoraWeights.KAIMING_UNIFORM, config.initLoraWeights());
    }

    @Test
    void singleValuesStandForLists() throws FormatException {
        var config = read("{\"target_modules\": [\"q_proj\"], \"layers_to_transform\": 3, \"layers_pattern\": \"h\"}");
        assertEquals(List.of(3), config.layersToTransform());
        assertEquals(List.of("h"), config.layersPattern());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"r": 0}                                                 | r: expected a rank
            {"r": 2.5}                                               | r: expected a rank
            {"r": "4"}                                               | r: expected a rank
            {"lora_alpha": "x"}                                      | lora_alpha: expected a number
            {"lora_dropout": 1.0}                                    | lora_dropout: expected a probability
            {"lora_dropout": NaN}                                    | lora_dropout: expected a
            {"bias": "some"}                                         | bias: expected none, all or lora_only
            {"use_dora": 1}                                          | use_dora: expected true or false
            {"target_modules": []}                                   | target_modules: the list is empty
            {"target_modules": 3}                                    | target_modules: expected a list
            {"target_modules": [3]}                                  | target_modules: expected names
            {"exclude_modules": "all-linear"}                        | exclude_modules: expected a list
            {"target_modules": "all-linear", "layers_to_transform": 1} | layers_to_transform: cannot be used where target_modules is a string
            {"target_modules": ["q"], "layers_pattern": "h"}         | layers_pattern: needs layers_to_transform
            {"layers_to_transform": [1.5]}                           | layers_to_transform: expected whole numbers
            {"rank_pattern": {"q_proj": 0}}                          | rank_pattern: q_proj: expected a rank
            {"rank_pattern": [1]}                                    | rank_pattern: expected an object
            {"alpha_pattern": {"q_proj": null}}                      | alpha_pattern: q_proj: expected a number
            {"init_lora_weights": "pissa_niter_4"}                   | path_initial_model_for_weight_conversion
            {"init_lora_weights": "zeros"}                           | init_lora_weights: expected true, false or "gaussian"
            {"lora_bias": true}                                      | lora_bias: a bias of lora_B is not supported
            {"target_parameters": "experts.down_proj"}               | target_parameters: expected a list of names
            {"target_parameters": ["experts.down_proj"], "lora_dropout": 0.1} | lora_dropout: does not go together with target_parameters
            {"target_parameters": ["experts.down_proj"], "use_dora": true} | use_dora: does not go together with target_parameters
            {"trainable_token_indices": [1]}                         | trainable_token_indices: training single tokens
            {"kasa_config": {"beta": 1}}                             | kasa_config: KaSA is not supported
            {"peft_type": "IA3"}                                     | peft_type: expected LORA, found IA3
            """)
    void whatIsWrongIsSaid(String text, String message) {
        var error = assertThrows(FormatException.class, () -> read(text));
        assertTrue(error.getMessage().startsWith("adapter_config.json: "), error.getMessage());
        assertTrue(error.getMessage().contains(message), error.getMessage());
    }

    @Test
    void theRegistryKnowsMethodsByTheirType() throws FormatException {
        assertInstanceOf(LoraConfig.class, AdapterMethods.read(json(FULL), "here"));
        var error = assertThrows(FormatException.class, () -> AdapterMethods.read(json("{\"peft_type\": \"VERA\"}"), "here"));
        assertEquals("here: peft_type: VERA is not supported; expected one of [LORA]", error.getMessage());
    }

    @Test
    void builtInJavaItIsTheSame() throws FormatException {
        var built = Lora.rank(4).alpha(16).dropout(0.1).targets(List.of("q_proj")).dora().rslora()
                .modulesToSave(List.of("lm_head")).build();
        var read = read("""
                {"peft_type": "LORA", "r": 4, "lora_alpha": 16, "lora_dropout": 0.1, "target_modules": ["q_proj"],
                 "use_dora": true, "use_rslora": true, "modules_to_save": ["lm_head"]}""");
        assertEquals(read, built);
    }
}
