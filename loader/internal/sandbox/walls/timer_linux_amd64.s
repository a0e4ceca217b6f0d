// This file lets timer_linux_amd64.go declare a function of the runtime.
