"""Virtual pods: the executable reference of the firmware contract, fed by a recording or a simulated runner."""
