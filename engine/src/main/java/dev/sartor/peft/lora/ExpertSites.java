package dev.sartor.peft.lora;

import dev.sartor.device.kernel.ExpertAdapters;
import dev.sartor.nn.Adapter;
import dev.sartor.nn.Experts;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Slots;
import dev.sartor.peft.AdapterTensor;
import dev.sartor.peft.Arrangement;
import dev.sartor.peft.Attachment.OnExperts;
import dev.sartor.peft.Attachment.Placement;
import dev.sartor.peft.Attachment.Site;
import dev.sartor.peft.lora.TargetParameters.Fused;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.Shape;
import dev.sartor.tensor.Tensor;
import dev.sartor.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/** Low-rank adapters of mixtures' experts: on fused weights, as PEFT has them, or on single experts' layers. */
final class ExpertSites {
    private static final String A = ".lora_A.weight";
    private static final String B = ".lora_B.weight";

    private final LoraConfig config;
    private final boolean alternating;

    ExpertSites(LoraConfig config, Slots slots) {
        this.config = config;
        // Its gate_up_proj has a feature of gate, then one of up.
        this.alternating = slots.modelType().equals("gpt_oss");
    }

    /**
     * Adapters on fused weights of a mixture. PEFT wraps the experts once for each: what was wrapped first, gate_up_proj,
     * has {@code base_layer} in its keys where there is another.
     */
    List<Site> fused(Experts experts, Set<Fused> weights) {
        return weights.stream().map(each -> {
            boolean inner = each == Fused.GATE_UP && weights.size() > 1;
            return fused(experts, each, AdapterTensor.PREFIX + experts.name() + (inner ? ".base_layer" : ""));
        }).toList();
    }

    private Site fused(Experts experts, Fused weight, String key) {
        var layers = weight.layers(experts);
        int count = experts.count();
        int parts = layers.size();
        int rank = config.rank(weight.name(experts));
        float scaling = (float) config.scaling(weight.name(experts));
        var first = layers.getFirst().linears().getFirst().weight();
        long out = first.rows();
        // PEFT makes one linear layer of all experts' B, whose features in are those of all.
        var a = AdapterTensor.of(key + A, LoraMethod.initialA(config, first.columns(), rank), (long) count * rank, first.columns());
        var b = AdapterTensor.of(key + B, LoraMethod.initialB(config, (long) count * rank), parts * count * out, rank)
                .with(new Arrangement.RankMajor(count, parts, alternating));
        return new Site(List.of(a, b), parameters -> {
            var placements = new ArrayList<Placement>();
            var all = parameters.get(a.key());
            for (int part = 0; part < parts; part++) {
                var ofPart = slice(parameters.get(b.key()), part * count * out, count * out);
                var lora = new Experts.Lora(ExpertAdapters.each(count), all, ofPart, scaling);
                var each = new LinkedHashMap<Linear, Adapter>();
                for (int expert = 0; expert < count; expert++) {
                    each.put(layers.get(part).linears().get(expert), plain(
                            slice(all, (long) expert * rank, rank), slice(ofPart, expert * out, out), scaling));
                }
                placements.add(new OnExperts(layers.get(part), lora, each));
            }
            return placements;
        });
    }

    /**
     * Adapters on single experts' layers, with keys as PEFT has of linear layers.
     *
     * @param targets the layers; others than these experts' are left alone
     * @throws IllegalArgumentException if experts' adapters of one layer differ in rank or scaling
     */
    List<Site> single(Experts experts, Collection<Linear> targets) {
        var sites = new ArrayList<Site>();
        for (var layer : experts.layers()) {
            var chosen = IntStream.range(0, experts.count()).filter(e -> targets.contains(layer.linears().get(e))).boxed().toList();
            if (!chosen.isEmpty()) {
                sites.add(single(layer, experts.count(), chosen));
            }
        }
        return sites;
    }

    private Site single(Experts.Layer layer, int experts, List<Integer> chosen) {
        var linears = chosen.stream().map(layer.linears()::get).toList();
        var first = linears.getFirst();
        int rank = config.rank(first.name());
        float scaling = (float) config.scaling(first.name());
        for (var linear : linears) {
            if (config.rank(linear.name()) != rank || (float) config.scaling(linear.name()) != scaling) {
                throw new IllegalArgumentException("rank_pattern, alpha_pattern: " + first.name() + " would have rank " + rank
                        + " and scaling " + scaling + ", " + linear.name() + " rank " + config.rank(linear.name()) + " and scaling "
                        + (float) config.scaling(linear.name()) + "; the experts of one layer must have the same");
            }
        }
        long in = first.weight().columns();
        long out = first.weight().rows();
        var as = new ArrayList<AdapterTensor>();
        var bs = new ArrayList<AdapterTensor>();
        for (var linear : linears) {
            var key = AdapterTensor.PREFIX + linear.name();
            as.add(adjoined(as, AdapterTensor.of(key + A, LoraMethod.initialA(config, in, rank), rank, in)));
            bs.add(adjoined(bs, AdapterTensor.of(key + B, LoraMethod.initialB(config, rank), out, rank)));
        }
        var tensors = new ArrayList<>(as);
        tensors.addAll(bs);
        return new Site(tensors, parameters -> {
            var lora = new Experts.Lora(ExpertAdapters.chosen(experts, chosen), joined(as, parameters), joined(bs, parameters), scaling);
            var each = new LinkedHashMap<Linear, Adapter>();
            for (int i = 0; i < linears.size(); i++) {
                each.put(linears.get(i), plain(parameters.get(as.get(i).key()), parameters.get(bs.get(i).key()), scaling));
            }
            return List.of(new OnExperts(layer, lora, each));
        });
    }

    private static AdapterTensor adjoined(List<AdapterTensor> before, AdapterTensor tensor) {
        return before.isEmpty() ? tensor : tensor.behind();
    }

    private static LoraAdapter plain(Parameter a, Parameter b, float scaling) {
        return new LoraAdapter(a, b, scaling, 0, null, 0);
    }

    private static Parameter slice(Parameter all, long first, long rows) {
        return new Parameter(all.name(), all.value().slice(first, rows), all.isTrained() ? all.gradient().slice(first, rows) : null);
    }

    /** Parameters that lie one behind the other, as one. */
    private static Parameter joined(List<AdapterTensor> tensors, Map<String, Parameter> parameters) {
        var first = parameters.get(tensors.getFirst().key());
        var shape = first.value().shape();
        var all = new TensorSpec(first.value().dtype(), Shape.of(tensors.size() * shape.dim(0), shape.dim(1)));
        return new Parameter(first.name(), from(first.value(), all), first.isTrained() ? from(first.gradient(), all) : null);
    }

    private static Tensor from(Tensor first, TensorSpec all) {
        return new Tensor(all, first.storage(), first.offset());
    }
}
