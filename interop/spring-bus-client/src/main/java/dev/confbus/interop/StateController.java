package dev.confbus.interop;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

import org.springframework.cloud.context.scope.refresh.RefreshScopeRefreshedEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Shows what the application runs. */
@RestController
public class StateController {

    private final Environment environment;

    private final Greeting greeting;

    private final Limits limits;

    private final AtomicInteger reloads = new AtomicInteger();

    public StateController(Environment environment, Greeting greeting, Limits limits) {
        this.environment = environment;
        this.greeting = greeting;
        this.limits = limits;
    }

    @GetMapping("/state")
    public Map<String, Object> state() {
        Map<String, Object> state = new LinkedHashMap<>();
        state.put("busId", this.environment.getProperty("spring.cloud.bus.id"));
        state.put("version", this.environment.getProperty("config.client.version"));
        state.put("greeting", this.greeting.text());
        state.put("maxOpen", this.limits.getMaxOpen());
        state.put("reloads", this.reloads.get());
        return state;
    }

    /** What the environment says now; nothing for a key that is not there. */
    @GetMapping("/value")
    public String value(@RequestParam("key") String key) {
        return this.environment.getProperty(key, "");
    }

    @EventListener
    public void onRefresh(RefreshScopeRefreshedEvent event) {
        this.reloads.incrementAndGet();
        if (this.environment.getProperty("throw-on-refresh", Boolean.class, false)) {
            throw new IllegalStateException("throw-on-refresh");
        }
    }

}
