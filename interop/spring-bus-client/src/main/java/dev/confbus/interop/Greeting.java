package dev.confbus.interop;

import org.springframework.beans.factory.annotation.Value;
import org.springframework.cloud.context.config.annotation.RefreshScope;
import org.springframework.stereotype.Component;

/** Made anew by each refresh. */
@Component
@RefreshScope
public class Greeting {

    @Value("${greeting}")
    private String text;

    public String text() {
        return this.text;
    }

}
