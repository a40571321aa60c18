package dev.confbus.interop;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.stereotype.Component;

/** Bound in place by each refresh, unless the text is no number. */
@Component
@ConfigurationProperties("limits")
public class Limits {

    private int maxOpen;

    public int getMaxOpen() {
        return this.maxOpen;
    }

    public void setMaxOpen(int maxOpen) {
        this.maxOpen = maxOpen;
    }

}
