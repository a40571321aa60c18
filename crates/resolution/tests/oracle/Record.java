import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.springframework.boot.env.*;
import org.springframework.boot.origin.*;
import org.springframework.core.env.*;
import org.springframework.core.io.ByteArrayResource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * Records what Spring Boot's loaders make of the files of a table, as {@code loaders.rs} compares it.
 *
 * <pre>java -cp 'spring-boot-4.0.3.jar:spring-core.jar:snakeyaml-2.5.jar:commons-logging.jar:jackson-3/*' Record.java ../data/*.json</pre>
 *
 * A file is a list of {@code {"id", "name", "content"}}; {@code "loaded"} is put in or replaced. The characters of a {@code .properties}
 * or {@code .xml} file stand for its bytes.
 */
public class Record {
    public static void main(String[] files) throws Exception {
        var json = new JsonMapper();
        for (String file : files) {
            var rows = json.readValue(new File(file), new TypeReference<List<Map<String, Object>>>() {});
            var lines = new StringJoiner(",\n", "[\n", "\n]\n");
            for (var row : rows) {
                row.put("loaded", load((String) row.get("name"), (String) row.get("content")));
                lines.add(json.writeValueAsString(row));
            }
            Files.writeString(Path.of(file), lines.toString());
        }
    }

    /** All properties with their places, a line each; null when the file is refused. */
    static String load(String name, String content) {
        boolean yaml = name.endsWith(".yml");
        PropertySourceLoader loader = yaml ? new YamlPropertySourceLoader() : new PropertiesPropertySourceLoader();
        byte[] bytes = content.getBytes(yaml ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
        var resource = new ByteArrayResource(bytes) {
            @Override
            public String getFilename() {
                return name;
            }
        };
        var shown = new StringBuilder();
        try {
            for (PropertySource<?> source : loader.load("x", resource)) {
                shown.append("document\n");
                for (String key : ((EnumerablePropertySource<?>) source).getPropertyNames()) {
                    Origin origin = OriginLookup.getOrigin(source, key);
                    shown.append(quote(key)).append(" = ").append(show(source.getProperty(key)));
                    if (origin instanceof TextResourceOrigin text && text.getLocation() != null) {
                        var at = text.getLocation();
                        shown.append(" @").append(at.getLine() + 1).append(':').append(at.getColumn() + 1);
                    }
                    shown.append('\n');
                }
            }
        } catch (Exception | StackOverflowError refused) {
            return null;
        }
        return shown.toString();
    }

    static String show(Object value) {
        if (value instanceof Number number) {
            return (number instanceof Double ? "f:" : "i:") + number;
        }
        if (value instanceof byte[] bytes) {
            return "b:" + HexFormat.of().formatHex(bytes);
        }
        return value instanceof Boolean ? value.toString() : quote(value.toString());
    }

    static String quote(String text) {
        var quoted = new StringBuilder("\"");
        text.codePoints().forEach(c -> {
            if (c == '"' || c == '\\') {
                quoted.append('\\').appendCodePoint(c);
            } else if (c < 32 || c > 126) {
                quoted.append(String.format("\\u{%x}", c >= 0xD800 && c < 0xE000 ? 0xFFFD : c));
            } else {
                quoted.appendCodePoint(c);
            }
        });
        return quoted.append('"').toString();
    }
}
