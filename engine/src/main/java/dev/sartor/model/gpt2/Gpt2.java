package dev.sartor.model.gpt2;

import dev.sartor.model.CausalLm;
import dev.sartor.model.ConfigReader;
import dev.sartor.model.Family;
import dev.sartor.model.ModelBuilder;

/** GPT-2 (Radford et al. 2019). Its checkpoints store matrices as [in, out]. */
public final class Gpt2 implements Family {
    @Override
    public String modelType() {
        return "gpt2";
    }

    @Override
    public CausalLm build(ConfigReader config, ModelBuilder builder) {
        return new Gpt2Lm(Gpt2Config.read(config), builder);
    }
}
