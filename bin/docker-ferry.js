#!/usr/bin/env node
import { pluginMain } from '../dist/cli/plugin-main.js';
void pluginMain();
