"""Packages of Node, by npm."""
