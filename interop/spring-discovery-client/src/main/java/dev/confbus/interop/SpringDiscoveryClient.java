package dev.confbus.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.core.env.Environment;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** An application that is told no config server, only a registry. */
@SpringBootApplication
@RestController
public class SpringDiscoveryClient {

    private final Environment environment;

    public SpringDiscoveryClient(Environment environment) {
        this.environment = environment;
    }

    public static void main(String[] arguments) {
        SpringApplication.run(SpringDiscoveryClient.class, arguments);
    }

    /** What the environment says; nothing for a key that is not there. */
    @GetMapping("/value")
    public String value(@RequestParam("key") String key) {
        return this.environment.getProperty(key, "");
    }

}
