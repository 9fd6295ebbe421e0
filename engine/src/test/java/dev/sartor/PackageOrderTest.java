package dev.sartor;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The order of the engine's packages (docs/architecture.md): each uses only what stands before it. */
class PackageOrderTest {
    private static final String ROOT = "dev.sartor.";

    /** Floors of the tower, from the ground; packages on one floor do not know each other. */
    private static final List<List<String>> TOWER = List.of(
            List.of("tensor"), List.of("device"), List.of("backend", "op"), List.of("tape"), List.of("quant"),
            List.of("nn"), List.of("model"), List.of("peft", "generate"), List.of("upcycle"), List.of("train"));

    /** Packages beside the tower, which know tensors and devices only, and those of their own kind they use. */
    private static final Map<String, Set<String>> BESIDE = Map.of(
            "io", Set.of(),
            "text", Set.of("io"),
            "data", Set.of("io", "text"),
            "optim", Set.of(),
            "report", Set.of());

    /** Each package, and the packages that it may use beside itself. */
    private static final Map<String, Set<String>> MAY_USE = mayUse();

    private static final JavaClasses ENGINE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_JARS)
            .withImportOption(location -> location.contains("/engine/"))
            .importPackages("dev.sartor");

    private static Map<String, Set<String>> mayUse() {
        var order = new HashMap<String, Set<String>>();
        var below = new HashSet<String>();
        for (List<String> floor : TOWER) {
            floor.forEach(name -> order.put(name, Set.copyOf(below)));
            below.addAll(floor);
            if (floor.contains("device")) {
                BESIDE.forEach((name, others) -> order.put(name, union(below, others)));
                below.addAll(BESIDE.keySet());
            }
        }
        return order;
    }

    private static Set<String> union(Set<String> one, Set<String> other) {
        var all = new HashSet<>(one);
        all.addAll(other);
        return all;
    }

    /** First package below the root, or "" for a class in the root package or elsewhere. */
    private static String packageOf(JavaClass type) {
        String name = type.getPackageName();
        return name.startsWith(ROOT) ? name.substring(ROOT.length()).split("\\.")[0] : "";
    }

    @Test
    void eachUsesOnlyWhatStandsBeforeIt() {
        assertFalse(ENGINE.isEmpty(), "no class of the engine was found");
        var violations = new ArrayList<String>();
        for (JavaClass type : ENGINE) {
            String from = packageOf(type);
            for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
                String to = packageOf(dependency.getTargetClass());
                if (MAY_USE.containsKey(to) && !to.equals(from) && MAY_USE.containsKey(from)
                        && !MAY_USE.get(from).contains(to)) {
                    violations.add(dependency.getDescription());
                }
            }
        }
        assertTrue(violations.isEmpty(), () -> String.join("\n", violations));
    }

    @Test
    void everyPackageHasItsPlace() {
        var strangers = new TreeSet<String>();
        for (JavaClass type : ENGINE) {
            if (type.getPackageName().startsWith(ROOT) && !MAY_USE.containsKey(packageOf(type))) {
                strangers.add(type.getPackageName());
            }
        }
        assertTrue(strangers.isEmpty(), () -> "packages without a place in the order: " + strangers);
    }

    @Test
    void onlyBackendsCallNativeCode() {
        noClasses().that(resideOutsideOfPackage("dev.sartor.backend.."))
                .should().dependOnClassesThat().haveFullyQualifiedName("java.lang.foreign.Linker")
                .orShould().dependOnClassesThat(resideInAPackage("dev.sartor.bindings.."))
                .allowEmptyShould(true)
                .check(ENGINE);
    }
}
