package gvisor_test

func stage() bool { return false }
