"""Hyperledger Fabric: endorse, order, wait for the commit.

Only this package needs grpcio, protobuf and hyperledger-fabric-protos, and nothing imports it before a deployment asks
for a Fabric network.
"""
