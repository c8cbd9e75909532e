"""Schoenholz et al. 2017, with Pennington et al. 2017."""
