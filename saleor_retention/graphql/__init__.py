"""The GraphQL surface: plain graphene 2, the same on every host."""
