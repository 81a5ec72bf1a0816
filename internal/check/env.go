package check

import "slices"

// envChecks are the checks of the category env: which layers set what, and what the values mean.
func envChecks() []Check { return slices.Concat(envLayerChecks(), envValueChecks()) }

// envLayerChecks are about the layers that variables come from.
func envLayerChecks() []Check { return nil }
