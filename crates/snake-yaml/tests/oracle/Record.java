import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.*;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.nodes.*;
import org.yaml.snakeyaml.reader.UnicodeReader;
import org.yaml.snakeyaml.representer.Representer;
import org.yaml.snakeyaml.resolver.Resolver;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Records what SnakeYAML makes of the documents of a table, as {@code table.rs} compares it.
 *
 * <pre>java -cp snakeyaml-2.5.jar:jackson-3/* Record.java ../data/*.json</pre>
 *
 * Each file is a list of {@code {"id", "yaml"}} or {@code {"id", "text"}}; {@code "read"} or {@code "written"} is put in or replaced.
 */
public class Record {
    public static void main(String[] files) throws Exception {
        var json = new JsonMapper();
        for (String file : files) {
            var rows = json.readValue(new File(file), new TypeReference<List<Map<String, Object>>>() {});
            for (var row : rows) {
                if (row.get("text") instanceof String text) {
                    row.put("written", write(text));
                } else {
                    row.put("read", read((String) row.get("yaml")));
                }
            }
            var lines = new StringJoiner(",\n", "[\n", "\n]\n");
            for (var row : rows) {
                lines.add(json.writeValueAsString(row));
            }
            Files.writeString(Path.of(file), lines.toString());
        }
    }

    /** The documents in the notation of {@link #show}; null when they are refused. */
    static String read(String text) {
        var options = new LoaderOptions();
        options.setAllowDuplicateKeys(false);
        options.setMaxAliasesForCollections(Integer.MAX_VALUE);
        options.setAllowRecursiveKeys(true);
        var dumper = new DumperOptions();
        var yaml = new Yaml(new Places(options), new Representer(dumper), dumper, options, new NoDates());
        var shown = new StringBuilder();
        var bytes = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
        try (var reader = new UnicodeReader(bytes)) {
            for (Object document : yaml.loadAll(reader)) {
                show(shown, document);
                shown.append('\n');
            }
        } catch (Exception | StackOverflowError refused) {
            return null;
        }
        return shown.toString();
    }

    /** A text in the places where a configuration may have it, one map. */
    static String write(String text) {
        var nested = new LinkedHashMap<String, Object>();
        nested.put("list", Arrays.asList(text, 1, Arrays.asList(text, Map.of("k", text))));
        nested.put(text, text);
        var root = new LinkedHashMap<String, Object>();
        root.put("value", text);
        root.put("nested", nested);
        return new Yaml().dumpAsMap(root);
    }

    record Placed(Object value, Mark mark) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Placed placed && Objects.equals(value, placed.value);
        }

        @Override
        public int hashCode() {
            return Objects.hashCode(value);
        }
    }

    static class NoDates extends Resolver {
        @Override
        public void addImplicitResolver(Tag tag, Pattern pattern, String first, int limit) {
            if (tag != Tag.TIMESTAMP) {
                super.addImplicitResolver(tag, pattern, first, limit);
            }
        }
    }

    /** Keeps the place of each value but not of keys, with the side effects of Spring Boot's way to do it. */
    static class Places extends SafeConstructor {
        Places(LoaderOptions options) {
            super(options);
        }

        @Override
        protected Object constructObject(Node node) {
            boolean empty = node instanceof CollectionNode<?> collection && collection.getValue().isEmpty();
            if (empty || node instanceof ScalarNode && !(node instanceof Key)) {
                return new Placed(super.constructObject(node), node.getStartMark());
            }
            if (node instanceof MappingNode mapping) {
                mapping.setValue(new ArrayList<>(mapping.getValue().stream().map(Key::mark).toList()));
            }
            return super.constructObject(node);
        }
    }

    static class Key extends ScalarNode {
        Key(ScalarNode node) {
            super(node.getTag(), node.getValue(), node.getStartMark(), node.getEndMark(), node.getScalarStyle());
        }

        static NodeTuple mark(NodeTuple entry) {
            boolean scalar = entry.getKeyNode() instanceof ScalarNode;
            Node key = scalar ? new Key((ScalarNode) entry.getKeyNode()) : entry.getKeyNode();
            return new NodeTuple(key, entry.getValueNode());
        }
    }

    static void show(StringBuilder shown, Object value) {
        if (value instanceof Placed placed) {
            show(shown, placed.value);
            shown.append('@').append(placed.mark.getLine() + 1).append(':').append(placed.mark.getColumn() + 1);
        } else if (value instanceof Double number) {
            shown.append("f:").append(Long.toHexString(Double.doubleToLongBits(number)));
        } else if (value instanceof Number number) {
            shown.append("i:").append(number);
        } else if (value instanceof String text) {
            quote(shown, text);
        } else if (value instanceof Date moment) {
            shown.append("t:").append(moment.getTime());
        } else if (value instanceof byte[] bytes) {
            shown.append("b:").append(HexFormat.of().formatHex(bytes));
        } else if (value instanceof Map<?, ?> map) {
            showMap(shown, map);
        } else if (value instanceof Set<?> set) {
            shown.append("set ");
            showList(shown, set);
        } else if (value instanceof List<?> list) {
            showList(shown, list);
        } else {
            shown.append(value);
        }
    }

    static void showMap(StringBuilder shown, Map<?, ?> map) {
        var unwrapped = new LinkedHashMap<String, Object>();
        map.forEach((key, entry) -> unwrapped.put(bare(key), entry));
        shown.append('{');
        unwrapped.forEach((key, entry) -> {
            shown.append(key).append(": ");
            show(shown, entry);
            shown.append(", ");
        });
        shown.append('}');
    }

    static void showList(StringBuilder shown, Collection<?> list) {
        shown.append('[');
        for (Object element : list) {
            show(shown, element instanceof Object[] pair ? Arrays.asList(pair) : element);
            shown.append(", ");
        }
        shown.append(']');
    }

    static String bare(Object key) {
        var shown = new StringBuilder();
        show(shown, key instanceof Placed placed ? placed.value : key);
        return shown.toString();
    }

    static void quote(StringBuilder shown, String text) {
        shown.append('"');
        text.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                shown.append('\\').appendCodePoint(c);
            } else if (c < 32 || c > 126) {
                shown.append(String.format("\\u{%x}", c >= 0xD800 && c < 0xE000 ? 0xFFFD : c));
            } else {
                shown.appendCodePoint(c);
            }
        });
        shown.append('"');
    }
}
