package dev.sartor.peft;

import dev.sartor.device.Device;
import dev.sartor.io.AdapterDirectory;
import dev.sartor.io.FormatException;
import dev.sartor.io.ModelCard;
import dev.sartor.io.Safetensors;
import dev.sartor.io.TensorSource;
import dev.sartor.nn.Adapter;
import dev.sartor.nn.Linear;
import dev.sartor.nn.Module;
import dev.sartor.nn.Norm;
import dev.sartor.nn.RandomStream;
import dev.sartor.nn.Slots;
import dev.sartor.optim.Trained;
import dev.sartor.tape.Parameter;
import dev.sartor.tensor.DType;
import dev.sartor.tensor.Scope;
import dev.sartor.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.node.ObjectNode;

/**
 * The named adapters of one model. At most one is active: what is recorded while it is goes through
 * it, and keeps going through it whatever is activated later.
 */
public final class Adapters {
    private static final int SHOWN = 3;
    private static final String LORA_B = ".lora_B.weight";

    /**
     * @param extra parameters of the base model that came with the adapter without being trained
     */
    private record Held(
            Attachment attachment, AdapterState state, List<ModuleCopy> extra, AdapterState extraState,
            List<Attachment.Placement> placements) {
        /** Every tensor with its parameter. */
        Map<AdapterTensor, Parameter> tensors() {
            var tensors = new LinkedHashMap<AdapterTensor, Parameter>();
            attachment.tensors().forEach(tensor -> tensors.put(tensor, state.parameters().get(tensor.key())));
            extra.forEach(copy -> tensors.put(copy.tensor(), extraState.parameters().get(copy.tensor().key())));
            return tensors;
        }

        Map<ModuleCopy, Parameter> copies() {
            var copies = new LinkedHashMap<ModuleCopy, Parameter>();
            attachment.copies().forEach(copy -> copies.put(copy, state.parameters().get(copy.tensor().key())));
            extra.forEach(copy -> copies.put(copy, extraState.parameters().get(copy.tensor().key())));
            return copies;
        }
    }

    private final Device device;
    private final Scope scope;
    private final Slots slots;
    private final RandomStream random;
    private final Map<String, Held> adapters = new LinkedHashMap<>();
    private final Map<Module, BaseModule> base = new IdentityHashMap<>();
    private final boolean tied;
    private String active;

    /**
     * @param scope owns the adapters' tensors and gradients
     * @param random dropout's stream; its seed is that of initial values too
     */
    public Adapters(Device device, Scope scope, Slots slots, RandomStream random) {
        this.device = device;
        this.scope = scope;
        this.slots = slots;
        this.random = random;
        slots.modules().forEach(module -> base.put(module, BaseModule.of(module)));
        tied = slots.isTied();
    }

    /** Names of the adapters, in the order in which they came. */
    public Set<String> names() {
        return Collections.unmodifiableSet(adapters.keySet());
    }

    /**
     * Makes a new adapter with initial values. It is not active yet.
     *
     * @param config of a method, such as a {@link dev.sartor.peft.lora.LoraConfig}
     * @param trained whether its parameters take gradients
     * @throws IllegalArgumentException if the name is taken or the configuration does not fit the model
     */
    public void add(String name, Record config, boolean trained) {
        requireNew(name);
        var attachment = attach(config, AdapterMethod.Purpose.CREATE);
        var held = hold(attachment, List.of(), trained);
        var context = new Initial.Context(device, random.seed(), held.state.parameters());
        held.tensors().forEach((tensor, parameter) -> tensor.initial().fill(context, parameter));
        adapters.put(name, held);
    }

    /**
     * Reads an adapter in PEFT's layout: from the directory itself or, if it has none, from its
     * subfolder of the adapter's name. It is not active yet.
     *
     * @param trained whether its parameters take gradients
     * @throws FormatException if there is no adapter, or the file's tensors are not those that its configuration asks for
     * @throws IllegalArgumentException if the name is taken or the configuration does not fit the model
     */
    public void load(String name, Path directory, boolean trained) throws IOException {
        requireNew(name);
        boolean inside = !Files.exists(directory.resolve("adapter_config.json")) && Files.isDirectory(directory.resolve(name));
        var folder = inside ? AdapterDirectory.open(directory, name) : AdapterDirectory.open(directory);
        var attachment = attach(AdapterMethods.read(folder.config(), folder.path().resolve("adapter_config.json").toString()),
                AdapterMethod.Purpose.LOAD);
        try (var file = folder.openWeights()) {
            var held = hold(attachment, extra(attachment, file), trained);
            read(held, file, "");
            adapters.put(name, held);
        }
    }

    /**
     * Sets every tensor of an adapter from a file.
     *
     * @param prefix stands before the adapter's own keys in the file; may be empty
     * @throws FormatException if one is missing or of another shape
     */
    public void set(String name, Safetensors file, String prefix) throws FormatException {
        read(held(name), file, prefix);
    }

    /**
     * Saves an adapter in PEFT's layout: into the directory itself if it is called {@code default},
     * else into a subfolder of its name.
     *
     * @param facts what to tell of the training in the model card, label to value
     * @return the folder written
     */
    public Path save(String name, Path directory, Map<String, String> facts) throws IOException {
        var held = held(name);
        var tensors = held.tensors().entrySet().stream()
                .map(entry -> AdapterFile.source(
                        device, entry.getKey().key(), entry.getKey(), entry.getValue(), DType.FLOAT32))
                .sorted(Comparator.comparing(TensorSource::name))
                .toList();
        var card = new ModelCard(slots.baseModel(), List.of(held.attachment.label()), facts);
        return AdapterDirectory.save(directory, name, held.attachment.config(), tensors, card);
    }

    /** Recordings made from now on go through the adapter. */
    public void activate(String name) {
        var held = held(name);
        deactivate();
        held.placements.forEach(Attachment.Placement::install);
        held.copies().forEach(ModuleCopy::install);
        active = name;
    }

    /** Recordings made from now on go through the base model alone. */
    public void deactivate() {
        base.values().forEach(BaseModule::restore);
        slots.experts().stream().flatMap(experts -> experts.layers().stream()).forEach(layer -> layer.setLora(null));
        active = null;
    }

    /** The active adapter's name. */
    public Optional<String> active() {
        return Optional.ofNullable(active);
    }

    /** The adapter's configuration, as adapter_config.json has it. */
    public ObjectNode configuration(String name) {
        return held(name).attachment.config().deepCopy();
    }

    /** The adapter's parameters in the order of the layers, each named by its key in adapter_model.safetensors. */
    public List<Parameter> parameters(String name) {
        return List.copyOf(held(name).state.parameters().values());
    }

    /**
     * The adapter's parameters as an optimizer takes them: weight decay is for all but biases and norms.
     *
     * @throws IllegalArgumentException if the adapter is not trained
     */
    public List<Trained> trained(String name) {
        gradients(name);
        var undecayed = held(name).attachment.copies().stream()
                .filter(copy -> copy.module() instanceof Norm || copy.part() == ModuleCopy.Part.BIAS)
                .map(copy -> copy.tensor().key())
                .toList();
        return parameters(name).stream()
                .map(each -> new Trained(each.name(), each.value(), each.gradient(), !undecayed.contains(each.name()))
                        .withRole(role(name, each)))
                .toList();
    }

    private Trained.Role role(String name, Parameter parameter) {
        if (parameter.value().shape().rank() < 2) {
            return Trained.Role.VECTOR;
        }
        if (parameter.name().endsWith(LORA_B)) {
            return Trained.Role.LORA_B;
        }
        boolean table = held(name).attachment.copies().stream()
                .anyMatch(copy -> copy.tensor().key().equals(parameter.name()) && !slots.blockLinears().contains(copy.module()));
        return table ? Trained.Role.TABLE : Trained.Role.MATRIX;
    }

    /** All of the adapter's values as one float32 vector, with zeros in the gaps of alignment. */
    public Tensor values(String name) {
        return held(name).state.values();
    }

    /**
     * All gradients as one vector, laid out like {@link #values}.
     *
     * @throws IllegalArgumentException if the adapter is not trained
     */
    public Tensor gradients(String name) {
        var gradients = held(name).state.gradients();
        if (gradients == null) {
            throw new IllegalArgumentException("the adapter '" + name + "' was loaded without gradients");
        }
        return gradients;
    }

    /** The adapter of each layer that it changes, single experts' layers among them. */
    public Map<Linear, Adapter> layers(String name) {
        var layers = new LinkedHashMap<Linear, Adapter>();
        held(name).placements.forEach(placement -> layers.putAll(placement.layers()));
        return layers;
    }

    /** What the adapter's configuration does that few would want, with the remedy. */
    public List<String> warnings(String name) {
        return held(name).attachment.warnings();
    }

    /** Whether the base model's head multiplies with its embedding's table. */
    boolean isBaseTied() {
        return tied;
    }

    Slots slots() {
        return slots;
    }

    Device device() {
        return device;
    }

    /** The base model's parameters that the adapter replaces. */
    Map<ModuleCopy, Parameter> copies(String name) {
        return held(name).copies();
    }

    private <C extends Record> Attachment attach(C config, AdapterMethod.Purpose purpose) {
        var before = active;
        // What the method sees, and copies, is the base model.
        deactivate();
        try {
            return AdapterMethods.of(config).attach(config, slots, random, purpose);
        } finally {
            if (before != null) {
                activate(before);
            }
        }
    }

    private Held hold(Attachment attachment, List<ModuleCopy> extra, boolean trained) {
        var state = new AdapterState(scope, attachment.tensors(), trained);
        var extraState = new AdapterState(scope, extra.stream().map(ModuleCopy::tensor).toList(), false);
        var placements = attachment.sites().stream().flatMap(site -> site.make().apply(state.parameters()).stream()).toList();
        return new Held(attachment, state, extra, extraState, placements);
    }

    private void read(Held held, Safetensors file, String prefix) throws FormatException {
        var missing = held.tensors().keySet().stream().map(tensor -> prefix + tensor.key()).filter(key -> !file.contains(key)).toList();
        if (!missing.isEmpty()) {
            throw new FormatException(file.source() + ": " + missing.size() + " of " + held.tensors().size()
                    + " tensors that adapter_config.json asks for are missing, such as " + some(missing)
                    + "; is it an adapter of this model?");
        }
        for (var entry : held.tensors().entrySet()) {
            AdapterFile.read(device, file, prefix, entry.getKey(), entry.getValue());
        }
    }

    /** Copies of base parameters that the file has besides what the configuration asks for. */
    private List<ModuleCopy> extra(Attachment attachment, Safetensors file) throws FormatException {
        var unknown = new TreeSet<>(file.names());
        attachment.tensors().forEach(tensor -> unknown.remove(tensor.key()));
        // With bias "all", PEFT also writes the untouched biases behind its modules to save.
        unknown.removeIf(key -> key.contains(".original_module.") || key.contains(".modules_to_save."));
        var extra = new ArrayList<ModuleCopy>();
        for (var module : slots.modules()) {
            for (var copy : ModuleCopy.of(module)) {
                if (unknown.remove(copy.tensor().key())) {
                    extra.add(copy);
                }
            }
        }
        if (!unknown.isEmpty()) {
            throw new FormatException(file.source() + ": " + unknown.size() + " tensors belong to no layer that "
                    + "adapter_config.json names in this model, such as " + some(List.copyOf(unknown))
                    + "; is it an adapter of this model, of a kind that is supported?");
        }
        return extra;
    }

    private static List<String> some(List<String> keys) {
        return keys.subList(0, Math.min(SHOWN, keys.size()));
    }

    private void requireNew(String name) {
        if (adapters.containsKey(name)) {
            throw new IllegalArgumentException("there is an adapter '" + name + "' already; give this one another name");
        }
    }

    private Held held(String name) {
        var held = adapters.get(name);
        if (held == null) {
            throw new IllegalArgumentException("there is no adapter '" + name + "'; there are " + names());
        }
        return held;
    }
}
