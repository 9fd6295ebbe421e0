package dev.sartor.peft.lora;

import dev.sartor.device.Eager;
import dev.sartor.device.kernel.DoraScale;
import dev.sartor.io.FormatException;
import dev.sartor.nn.Adapter;
import dev.sartor.nn.Linear;
import dev.sartor.nn.RandomStream;
import dev.sartor.nn.Slots;
import dev.sartor.peft.AdapterMethod;
import dev.sartor.peft.AdapterTensor;
import dev.sartor.peft.Attachment;
import dev.sartor.peft.Initial;
import dev.sartor.peft.ModuleCopy;
import dev.sartor.peft.ModuleSelector;
import dev.sartor.peft.TargetRule;
import dev.sartor.peft.lora.LoraConfig.Bias;
import dev.sartor.peft.lora.LoraConfig.InitLoraWeights;
import dev.sartor.tape.Parameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/** Low-rank adaptation (Hu et al. 2021), with rsLoRA and DoRA. */
public final class LoraMethod implements AdapterMethod<LoraConfig> {
    static final String TYPE = "LORA";
    private static final String TASK = "CAUSAL_LM";
    private static final ModuleSelector NOTHING = new ModuleSelector.Names(List.of());

    @Override
    public String peftType() {
        return TYPE;
    }

    @Override
    public Class<LoraConfig> configType() {
        return LoraConfig.class;
    }

    @Override
    public LoraConfig read(ObjectNode json, String where) throws FormatException {
        return LoraConfig.read(json, where);
    }

    @Override
    public ObjectNode write(LoraConfig config) {
        return config.toJson();
    }

    @Override
    public Attachment attach(LoraConfig config, Slots slots, RandomStream random, Purpose purpose) {
        boolean strict = purpose == Purpose.CREATE;
        if (strict && (config.initLoraWeights() == InitLoraWeights.EVA || config.initLoraWeights() == InitLoraWeights.ORTHOGONAL)) {
            throw new IllegalArgumentException("init_lora_weights: " + config.toJson().get("init_lora_weights")
                    + " can be loaded but not begun; write true, false or \"gaussian\"");
        }
        var asked = asked(config, slots);
        var targets = asked.equals(NOTHING) ? List.<Linear>of() : config.rule(asked).select(slots, strict);
        var parameters = TargetParameters.of(config.targetParameters(), slots, targets, strict);
        var ofExperts = slots.expertLinears();
        var sites = new ArrayList<Attachment.Site>();
        targets.stream().filter(linear -> !ofExperts.contains(linear))
                .forEach(linear -> sites.add(site(config, slots, linear, linear.name(), random)));
        parameters.linears().forEach(linear -> sites.add(site(config, slots, linear, linear.name() + TargetParameters.WEIGHT, random)));
        int dense = sites.size();
        var expertSites = new ExpertSites(config, slots);
        for (var experts : slots.experts()) {
            sites.addAll(expertSites.fused(experts, parameters.fused().getOrDefault(experts, Set.of())));
            sites.addAll(expertSites.single(experts, targets));
        }
        requirePlain(config, slots, targets, sites.size() > dense);
        var resolved = asked instanceof ModuleSelector.AllLinear ? TargetRule.condense(targets, slots) : asked;
        var saved = config.resolved(resolved, targets.stream().anyMatch(Linear::isTransposed),
                config.taskType() == null ? TASK : config.taskType(),
                config.baseModelNameOrPath() == null ? slots.baseModel() : config.baseModelNameOrPath());
        return new Attachment(saved.toJson(), "lora", List.copyOf(sites), copies(config, slots, targets, strict),
                sites.size() > dense ? List.of() : untouchedExperts(asked, slots));
    }

    /** What target_modules asks for, where nothing is said too: nothing, if target_parameters says something. */
    private static ModuleSelector asked(LoraConfig config, Slots slots) {
        if (!(config.targetModules() instanceof ModuleSelector.Unset)) {
            return config.targetModules();
        }
        return config.targetParameters().isEmpty() ? LoraDefaults.targets(slots) : NOTHING;
    }

    /** PEFT has neither dropout nor DoRA of what are parameters of their own to it: routers and experts. */
    private static void requirePlain(LoraConfig config, Slots slots, List<Linear> targets, boolean experts) {
        if (config.loraDropout() == 0 && !config.useDora()) {
            return;
        }
        var router = slots.routers().stream().filter(targets::contains).findFirst();
        if (experts || router.isPresent()) {
            throw new IllegalArgumentException((config.useDora() ? "use_dora" : "lora_dropout") + ": adapters of "
                    + (experts ? "experts" : "routers (" + router.get().name() + ")") + " have none, in PEFT neither; leave it out");
        }
    }

    private static List<String> untouchedExperts(ModuleSelector asked, Slots slots) {
        // Who names no layer at all, to train routers whole, means it.
        if (slots.experts().isEmpty() || asked.equals(NOTHING)) {
            return List.of();
        }
        return List.of("the adapter leaves all " + slots.experts().getFirst().count() + " experts of " + slots.experts().size()
                + " layers untouched, for target_modules (" + asked.describe() + ") does not reach them; to adapt them too, write"
                + " target_parameters: [mlp.experts.gate_up_proj, mlp.experts.down_proj]");
    }

    private static List<ModuleCopy> copies(LoraConfig config, Slots slots, List<Linear> targets, boolean strict) {
        var copies = new ArrayList<>(ModuleCopy.modulesToSave(slots, config.modulesToSave(), targets, strict));
        if (config.bias() != Bias.NONE) {
            var whole = copies.stream().map(ModuleCopy::module).collect(Collectors.toSet());
            ModuleCopy.biases(slots, targets, config.bias() == Bias.LORA_ONLY).stream()
                    .filter(copy -> !whole.contains(copy.module()))
                    .forEach(copies::add);
        }
        return copies;
    }

    /** @param known the name by which rank_pattern and alpha_pattern know it */
    private static Attachment.Site site(LoraConfig config, Slots slots, Linear linear, String known, RandomStream random) {
        int rank = config.rank(known);
        float scaling = (float) config.scaling(known);
        var weight = linear.weight();
        var key = AdapterTensor.PREFIX + linear.name();
        var keyA = key + ".lora_A.weight";
        var keyB = key + ".lora_B.weight";
        var keyMagnitude = key + ".lora_magnitude_vector";
        var tensors = new ArrayList<AdapterTensor>();
        tensors.add(AdapterTensor.of(keyA, initialA(config, weight.columns(), rank), rank, weight.columns()));
        tensors.add(AdapterTensor.of(keyB, initialB(config, rank), weight.rows(), rank));
        if (config.useDora()) {
            tensors.add(AdapterTensor.of(keyMagnitude, (context, target) -> Eager.run(context.device(), target.name(),
                    new DoraScale(weight.matrix(), context.parameters().get(keyA).value(), context.parameters().get(keyB).value(),
                            null, null, target.value(), scaling)), weight.rows()));
        }
        float dropout = (float) config.loraDropout();
        long order = slots.modules().indexOf(linear);
        return new Attachment.Site(tensors, parameters -> {
            var lora = new LoraAdapter(parameters.get(keyA), parameters.get(keyB), scaling, dropout, random.tensor(), order);
            return List.of(new Attachment.OnLinear(linear, adapter(lora, parameters, keyMagnitude)));
        });
    }

    private static Adapter adapter(LoraAdapter lora, Map<String, Parameter> parameters, String keyMagnitude) {
        var magnitude = parameters.get(keyMagnitude);
        return magnitude == null ? lora : new DoraAdapter(lora, magnitude);
    }

    static Initial initialA(LoraConfig config, long in, int rank) {
        return switch (config.initLoraWeights()) {
            case GAUSSIAN -> Initial.normal(1.0 / rank);
            case KAIMING_UNIFORM, RANDOM, EVA, ORTHOGONAL -> Initial.kaimingUniform(in);
        };
    }

    /** @param in features into B */
    static Initial initialB(LoraConfig config, long in) {
        return config.initLoraWeights() == InitLoraWeights.RANDOM ? Initial.kaimingUniform(in) : Initial.zero();
    }
}
