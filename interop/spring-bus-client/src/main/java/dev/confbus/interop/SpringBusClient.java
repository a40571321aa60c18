package dev.confbus.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;

/** An application as Spring's users write it: its configuration comes from a server, and the bus tells it of changes. */
@SpringBootApplication
public class SpringBusClient {

    public static void main(String[] arguments) {
        SpringApplication.run(SpringBusClient.class, arguments);
    }

}
