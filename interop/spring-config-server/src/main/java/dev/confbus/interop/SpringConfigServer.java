package dev.confbus.interop;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.cloud.config.server.EnableConfigServer;

/** The config server as its documentation has one write it; all settings come as arguments. */
@SpringBootApplication
@EnableConfigServer
public class SpringConfigServer {

    public static void main(String[] arguments) {
        SpringApplication.run(SpringConfigServer.class, arguments);
    }

}
